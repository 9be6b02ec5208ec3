"""Which build of the shadow answered: what its answer says, else what the operator says, else nothing."""

from darklaunch_shared.errors import BadLaunch
from darklaunch_shared.launch.spec import LaunchSpec, check_build
from darklaunch_shared.wire.exchange import Headers
from darklaunch_shared.wire.http_headers import SERVER_TIMING_FIELD, parse_build


class ShadowBuild:
    """The build of one shadow as this process knows it. An exchange without an answer belongs to the one seen last."""

    def __init__(self, spec: LaunchSpec) -> None:
        self.latest = self._told = spec.build
        self._header = spec.build_header.lower()

    def read(self, headers: Headers) -> str:
        """Give the build that sent these header fields, and remember it."""
        self.latest = named(headers, self._header) or self._told
        return self.latest


def named(headers: Headers, header: str = "") -> str:
    """Read the build from the field `header` (lower case), or from what the shadow's hook adds to Server-Timing.

    "" when there is none, or it could not name a build.
    """
    for name, value in headers:
        text = ""
        if header and name == header:
            text = value.strip()
        elif not header and name == SERVER_TIMING_FIELD:
            text = parse_build(value)
        if text:
            try:
                return check_build(text)
            except BadLaunch:
                continue
    return ""
