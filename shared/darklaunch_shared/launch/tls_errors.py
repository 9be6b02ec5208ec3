"""Why there is no TLS with a server, in words that say what to do."""

import ssl
from typing import Final

_UNKNOWN_AUTHORITY: Final = frozenset({18, 19, 20, 21})
_NOT_THE_HOST: Final = frozenset({62, 64})
_NOT_TLS: Final = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")
_ALERTS: Final = (
    ("CERTIFICATE_REQUIRED", "it asks for a client certificate: name one with --client-cert"),
    ("ALERT_UNKNOWN_CA", "it does not know the authority of the client certificate"),
    ("ALERT_CERTIFICATE_EXPIRED", "it finds the client certificate expired"),
    ("ALERT_BAD_CERTIFICATE", "it refuses the client certificate, or asks for one (--client-cert)"),
    ("ALERT_HANDSHAKE_FAILURE", "it refuses the handshake: it may ask for a client certificate (--client-cert)"),
    ("PROTOCOL_VERSION", "it speaks no TLS version from 1.2 on"),
    ("UNSUPPORTED_PROTOCOL", "it speaks no TLS version from 1.2 on"),
    ("UNRECOGNIZED_NAME", "it has no certificate for that name"),
)


def explain_tls_error(error: Exception, host: str) -> str:
    """Return why a handshake with `host` failed, or why a connection over TLS ended."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _explain_verification(error, host)
    if isinstance(error, ssl.SSLError):
        reason = error.reason or ""
        if any(part in reason for part in _NOT_TLS):
            return "it does not speak TLS there: is it http://?"
        known = next((words for part, words in _ALERTS if part in reason), "")
        return known or f"the handshake failed: {reason.lower().replace('_', ' ') or error}"
    if isinstance(error, ConnectionError):
        return "it closed the connection during the handshake: does it speak TLS there?"
    return str(error) or type(error).__name__


def _explain_verification(error: ssl.SSLCertVerificationError, host: str) -> str:
    code = error.verify_code
    if code == 10:
        return "its certificate has expired"
    if code == 9:
        return "its certificate is not valid yet: compare the clocks"
    if code in _NOT_THE_HOST:
        return f"its certificate is for another host than {host}"
    if code in _UNKNOWN_AUTHORITY:
        return "its certificate is from an authority that is not trusted: name the authority's with --ca FILE"
    return f"its certificate cannot be verified: {error.verify_message}"
