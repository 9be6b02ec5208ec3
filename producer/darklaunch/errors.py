"""Errors of the hook. None of them reaches the app: they are what the hook's own parts tell each other.

HookError
├── BadSetting          an option that cannot be used (also a ValueError)
├── UnsendableExchange  a recording that cannot be sent: not HTTP, or a credential that cannot be sealed
└── RedisUnavailable    Redis could not be asked
    ├── NotSent         no connection: nothing was sent
    ├── NoReply         the connection failed, or the time was up, after something was sent
    └── RedisRefused    Redis replied with an error where the hook needs a value
"""


class HookError(Exception):
    """The hook could not do something. The base of every error it raises."""


class BadSetting(HookError, ValueError):
    """An option has a value that cannot be used, or a name that does not exist."""


class UnsendableExchange(HookError):
    """A recording cannot be sent: what the app or its client wrote is not HTTP, or a credential cannot be sealed."""


class RedisUnavailable(HookError):
    """Redis could not be asked."""


class NotSent(RedisUnavailable):
    """No connection could be opened: nothing was sent."""


class NoReply(RedisUnavailable):
    """The connection failed, or the time was up, after something was sent."""


class RedisRefused(RedisUnavailable):
    """Redis replied with an error where the hook needs a value."""
