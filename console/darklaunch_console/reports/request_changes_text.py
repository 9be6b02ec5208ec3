"""What a launch changes in its shadow's requests, and the certificates between them, in sentences."""

from __future__ import annotations

from darklaunch_shared.launch.request_changes import has_own_host
from darklaunch_shared.launch.spec import LaunchSpec

from darklaunch_console.output.screen import make_printable


def describe_request_changes(spec: LaunchSpec) -> str:
    """Return what the shadow gets that the primary did not, and the other way round, and the TLS files; "" for
    nothing of that.
    """
    parts: list[str] = []
    if spec.set_headers:
        parts.append(f"with {', '.join(make_printable(setting, 120) for setting in spec.set_headers)}")
    if spec.remove_headers:
        parts.append(f"without {', '.join(make_printable(name, 60) for name in spec.remove_headers)}")
    if spec.path_prefix:
        parts.append(f"below {make_printable(spec.path_prefix, 120)}")
    if has_own_host(spec):
        parts.append(f"for the Host {make_printable(spec.host, 120)}")
    sentences = [f"The shadow gets requests {', '.join(parts)}."] if parts else []
    if spec.tls_ca:
        sentences.append(f"The shadow's certificate must be from {make_printable(spec.tls_ca, 200)}.")
    if spec.tls_certificate:
        sentences.append(f"Workers show it {make_printable(spec.tls_certificate, 200)}.")
    return " ".join(sentences)
