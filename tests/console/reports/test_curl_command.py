"""The printed curl command sends what was captured, and runs nothing else."""

from __future__ import annotations

import subprocess
from pathlib import Path

from darklaunch_console.reports.curl_command import build_curl_command
from darklaunch_shared.wire.exchange import Request

NASTY = Request(
    "POST",
    "/a%20b/../c?q='$(touch${IFS}pwned)'&x=[1]\xe9",
    "http://shop:1",
    (("accept", "*/*"), ("x-quote", "it's `id`"), ("content-length", "3"), ("host", "shop")),
    b"@\x00\xff'",
)


def test_curl_sends_what_was_captured_and_runs_nothing_else(tmp_path: Path) -> None:
    """Run the printed command in a real shell, with a `curl` that writes down what it was given."""
    fake = tmp_path / "curl"
    fake.write_text('#!/bin/sh\nfor word in "$@"; do printf "%s\\0" "$word"; done >"$OUT"; cat >"$OUT.stdin"\n')
    fake.chmod(0o755)
    written = build_curl_command(NASTY, "http://shadow:8000")
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "OUT": str(tmp_path / "out")}
    subprocess.run(["bash", "-c", written], env=environment, cwd=tmp_path, check=True, timeout=60)
    words = (tmp_path / "out").read_bytes().split(b"\0")
    assert b"http://shadow:8000" + NASTY.target.encode("latin-1") in words
    assert b"x-quote: it's `id`" in words
    assert not any(word.lower().startswith((b"content-length", b"host")) for word in words)
    assert (tmp_path / "out.stdin").read_bytes() == NASTY.body
    assert not (tmp_path / "pwned").exists()
