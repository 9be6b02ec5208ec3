"""What a launch changes in the requests that its shadow gets: header fields, the path's beginning, the Host.

    --set-header 'X-Tenant=test'
    --set-header 'Authorization=Bearer @env:SHADOW_TOKEN'     the worker's environment
    --set-header 'X-API-Key=@file:/run/secrets/shadow-key'    a file on the worker's machine
    --remove-header X-Internal-User
    --path-prefix /v2
    --host api.internal

A credential is named, never written: its value is in no launch, so in neither Redis nor Postgres.
"""

import re
from dataclasses import dataclass
from typing import Final

from darklaunch_shared.errors import BadLaunch
from darklaunch_shared.wire.credential_headers import CREDENTIAL_HEADERS
from darklaunch_shared.wire.http_headers import OUR_PREFIX, TOKEN

from .spec import LaunchSpec

MOST_CHANGES: Final = 50
VALUE_CHARS: Final = 4_000
_OURS: Final = frozenset(
    "host content-length transfer-encoding connection keep-alive te trailer upgrade expect traceparent".split()  # noqa: SIM905
)
_REFERENCE: Final = re.compile(r"(?P<before>[^@]*)@(?P<source>env|file):(?P<reference>.*)", re.DOTALL)
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
_PREFIX: Final = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]+){1,20}")
_HOST: Final = re.compile(r"[A-Za-z0-9._-]{1,253}(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](?::[0-9]{1,5})?")
_CREDENTIAL_WORDS: Final = ("authorization", "secret", "token", "passw", "credential", "api-key", "apikey", "cookie")
_HOSTS: Final = ("shadow", "preserve")


@dataclass(frozen=True, slots=True)
class HeaderSetting:
    """A header field that is set: its text, then what the reference holds.

    `source` is "env", "file", or "" for a text without a reference.
    """

    name: str
    text: str
    source: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class RequestChanges:
    """What is changed in each request. Names of header fields are lower case."""

    set_headers: tuple[HeaderSetting, ...] = ()
    removed_headers: frozenset[str] = frozenset()
    path_prefix: str = ""

    @property
    def replaced_headers(self) -> frozenset[str]:
        """The names of the fields that no request keeps."""
        return self.removed_headers | {setting.name for setting in self.set_headers}


def compile_request_changes(spec: LaunchSpec) -> RequestChanges:
    """Compile what a launch changes. Raises BadLaunch for what cannot be applied."""
    if len(spec.set_headers) + len(spec.remove_headers) > MOST_CHANGES:
        raise BadLaunch(f"a launch changes {MOST_CHANGES} header fields at most")
    settings = tuple([_parse_setting(text) for text in spec.set_headers])
    names = [setting.name for setting in settings]
    removed = [_check_name(name, "--remove-header") for name in spec.remove_headers]
    if twice := sorted({name for name in names if (names + removed).count(name) > 1}):
        raise BadLaunch(f"--set-header names {twice[0]} twice, or --remove-header names it too: leave one out")
    if spec.path_prefix and (not _PREFIX.fullmatch(spec.path_prefix) or _has_dot_segment(spec.path_prefix)):
        raise BadLaunch(
            f"--path-prefix {spec.path_prefix[:80]!r} begins no path: write one like /v2, without / at the end"
        )
    if spec.host not in _HOSTS and not _HOST.fullmatch(spec.host):
        raise BadLaunch(f"--host {spec.host[:80]!r} is no host: write shadow, preserve, or a name like api.internal")
    return RequestChanges(settings, frozenset(removed), spec.path_prefix)


def has_own_host(spec: LaunchSpec) -> bool:
    """True if the launch names the Host that its shadow gets."""
    return spec.host not in _HOSTS


def _parse_setting(text: str) -> HeaderSetting:
    name, equals, value = text.partition("=")
    if not equals:
        raise BadLaunch(
            f"--set-header {_quote_name(text)} has no value: write NAME=VALUE, NAME=@env:VARIABLE or NAME=@file:PATH"
        )
    name = _check_name(name.strip(), "--set-header")
    if len(value) > VALUE_CHARS or not value.isprintable() or not value.isascii():
        raise BadLaunch(f"--set-header {name}: write a value of at most {VALUE_CHARS:,} printable ASCII characters")
    reference = _REFERENCE.fullmatch(value)
    if reference is None:
        if name in CREDENTIAL_HEADERS or any(word in name for word in _CREDENTIAL_WORDS):
            raise BadLaunch(
                f"--set-header {name}: a credential is not stored with the launch. Name where the worker finds it: "
                f"--set-header '{name}=@env:VARIABLE' or '{name}=@file:PATH'"
            )
        return HeaderSetting(name, value.strip())
    source, where = reference["source"], reference["reference"]
    if source == "env" and not _VARIABLE.fullmatch(where):
        raise BadLaunch(f"--set-header {name}: {where[:80]!r} is no name of an environment variable")
    if source == "file" and not where.startswith("/"):
        raise BadLaunch(f"--set-header {name}: {where[:80]!r} is not the full path of a file")
    return HeaderSetting(name, reference["before"].lstrip(), source, where)


def _check_name(name: str, option: str) -> str:
    if not TOKEN.fullmatch(name) or len(name) > 100:
        raise BadLaunch(f"{option} {_quote_name(name)} is no name of a header field: write one like X-Tenant")
    lowered = name.lower()
    if lowered in _OURS or lowered.startswith((OUR_PREFIX, "proxy-")):
        raise BadLaunch(
            f"{option} {name}: workers write this field themselves" + (", see --host" if lowered == "host" else "")
        )
    return lowered


def _quote_name(text: str) -> str:
    """Quote what was given as a name, but not all of it: it may be a credential."""
    return repr(text[:20]) if len(text) <= 20 else f"{text[:20]!r}…"


def _has_dot_segment(path: str) -> bool:
    return any(segment.lower().replace("%2e", ".") in (".", "..") for segment in path.split("/"))
