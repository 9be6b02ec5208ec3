"""Commands of asyncio clients, packed in C.

redis-py packs the commands of a blocking client with hiredis if that is installed, but those of an asyncio client in
Python: for an entry of seven fields that takes longer than everything else on its way to the server. The hook packs on
its own (delivery/redis_connection): in a web app there is no hiredis, and packing a batch at once is faster there.
"""

from functools import cache
from typing import Any, Final, cast

from redis import connection as blocking
from redis.utils import HIREDIS_AVAILABLE

_SERIALIZER: Final[Any] = cast(Any, blocking).HiredisRespSerializer() if HIREDIS_AVAILABLE else None
_PACK: Final[Any] = cast(Any, blocking).hiredis.pack_command if HIREDIS_AVAILABLE else None


def use_c_packing(pool: Any) -> None:
    """Make the future connections of an asyncio client's pool pack with hiredis, if that is installed."""
    if HIREDIS_AVAILABLE:
        pool.connection_class = _make_c_packing_class(pool.connection_class)


@cache
def _make_c_packing_class(connection_class: Any) -> Any:
    return type(f"CPacking{connection_class.__name__}", (connection_class,), {"pack_command": _pack_command})


def _pack_command(_connection: Any, *args: Any) -> list[bytes]:
    name = args[0]
    # redis-py's serializer splits names of two words and checks every argument for types that our commands never have.
    packed: list[bytes] = [_PACK(args)] if isinstance(name, str) and " " not in name else _SERIALIZER.pack(*args)
    return packed
