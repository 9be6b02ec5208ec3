"""The options of `start` as a launch's specification, each checked where it can be named."""

from __future__ import annotations

import math
from pathlib import Path

from darklaunch_comparator.rules import check_rules, dump_rules
from darklaunch_shared.errors import BadLaunch, BadOrigin
from darklaunch_shared.launch.origin import parse_origin
from darklaunch_shared.launch.path_policy import compile_path_policy
from darklaunch_shared.launch.request_changes import compile_request_changes
from darklaunch_shared.launch.spec import RECORDED_APP, LaunchSpec
from darklaunch_shared.launch.sticky import parse_sticky
from darklaunch_shared.launch.tls import compile_tls_files
from darklaunch_shared.wire.http_headers import TOKEN

from darklaunch_console.errors import BadUsage


def build_spec(
    *,
    shadow: str,
    app: str,
    recorded: bool,
    allow: tuple[str, ...],
    only: tuple[str, ...],
    skip: tuple[str, ...],
    max_latency_diff: float,
    sticky: str,
    ignore: tuple[str, ...],
    no_compare: bool,
    max_rps: float,
    max_age: float,
    host: str,
    set_header: tuple[str, ...],
    remove_header: tuple[str, ...],
    path_prefix: str,
    ca: str,
    client_cert: str,
    client_key: str,
    allow_private_metadata: bool,
    seal: bool,
    shards: int,
    build_header: str,
    control: str,
    noise: float,
    author: str,
    reason: str,
) -> LaunchSpec:
    """Return the specification that the options of `start` describe. Raises BadOrigin, BadLaunch or BadUsage."""
    for role, url in (("shadow", shadow), ("control", control)):
        if url and "://" not in url:
            raise BadOrigin(f"the {role} URL {url!r} must start with http:// or https://")
    if control and (no_compare or not noise):
        unused = "--no-compare" if no_compare else "--noise 0"
        raise BadUsage(f"--control is asked only to learn what is noise, and {unused} turns that off: leave one out")
    if recorded and (app or sticky):
        raise BadUsage(f"--recorded mirrors traffic files whole: leave {'--app' if app else '--sticky'} out")
    if not math.isfinite(max_rps):
        raise BadUsage("--max-rps must be a number")
    spec = LaunchSpec(
        shadow=str(parse_origin(shadow)),
        app=RECORDED_APP if recorded else app,
        allow=allow,
        only=only,
        skip=skip,
        sticky=check_sticky(sticky),
        compare=not no_compare,
        host=host,
        set_headers=set_header,
        remove_headers=remove_header,
        path_prefix=path_prefix,
        tls_ca=complete_path(ca),
        tls_certificate=complete_path(client_cert),
        tls_key=complete_path(client_key),
        max_latency_diff_ms=max_latency_diff * 1000,
        max_age_s=max_age,
        max_rps=max_rps,
        seal=seal,
        allow_metadata=allow_private_metadata,
        shards=shards,
        build_header=check_header(build_header),
        control=str(parse_origin(control, "control")) if control else "",
        noise_percent=noise,
        rules=write_ignore_rules(ignore, author, reason),
    )
    compile_path_policy(spec)
    compile_request_changes(spec)
    compile_tls_files(spec)
    return spec


def complete_path(name: str) -> str:
    """Return the full path of a file that workers read; a variable's name, and "", stay as they are."""
    return name if not name or name.startswith("@") else str(Path(name).expanduser().absolute())


def check_sticky(text: str) -> str:
    """Return a sampling key in the form that launches store. Raises BadUsage unless it can be parsed."""
    try:
        return str(parse_sticky(text) or "")
    except BadLaunch as error:
        raise BadUsage(f"--sticky {error}") from None


def check_header(name: str) -> str:
    """Return the name of a header field in lower case, or "". Raises BadUsage when it could not be one."""
    if name and not TOKEN.fullmatch(name):
        raise BadUsage(f"--build-header {name!r} is no header's name: write one like X-Version, without a colon")
    return name.lower()


def write_ignore_rules(paths: tuple[str, ...], author: str, reason: str) -> str:
    """Write ignore paths as a rule set. Raises BadUsage for one that cannot be read."""
    told = {"author": author[:500], "reason": reason[:500] or "given at start"}
    rules, troubles = check_rules({"ignore": [{"path": path, **told} for path in dict.fromkeys(paths)]})
    if troubles:
        raise BadUsage(f"--ignore: {troubles[0].message}")
    return dump_rules(rules)
