"""Writing to a connection that the server has reset is a lost connection, whatever the event loop calls it.

uvloop raises RuntimeError ("unable to perform operation on <TCPTransport closed=True …>; the handler is closed") where
asyncio raises ConnectionResetError. redis-py turns only the latter into its ConnectionError, on which callers rely.
"""

from functools import cache
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError


def report_lost_connections(pool: Any) -> None:
    """Make the future connections of an asyncio client's pool raise redis' ConnectionError for a closed transport."""
    pool.connection_class = _make_reporting_class(pool.connection_class)


@cache
def _make_reporting_class(connection_class: Any) -> Any:
    send = connection_class.send_packed_command

    async def send_packed_command(self: Any, command: Any, check_health: bool = True) -> None:
        try:
            await send(self, command, check_health)
        except RuntimeError as error:
            if "closed" not in str(error):
                raise
            raise RedisConnectionError("Connection reset while writing to socket") from error

    return type(connection_class.__name__, (connection_class,), {"send_packed_command": send_packed_command})
