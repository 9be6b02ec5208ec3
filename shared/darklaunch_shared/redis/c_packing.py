"""Have an asyncio client pack its commands in C.

redis-py packs a blocking client's commands with hiredis where that is installed, but an asyncio client's in Python: for
an entry of seven fields that costs more than everything else on its way to the server.
"""

from functools import cache
from typing import Any, Final, cast

from redis import connection as blocking
from redis.utils import HIREDIS_AVAILABLE

_SERIALIZER: Final[Any] = cast(Any, blocking).HiredisRespSerializer() if HIREDIS_AVAILABLE else None
_PACK: Final[Any] = cast(Any, blocking).hiredis.pack_command if HIREDIS_AVAILABLE else None


def use_c_packing(pool: Any) -> None:
    """Have the future connections of an asyncio client's pool pack with hiredis, where that is installed."""
    if HIREDIS_AVAILABLE:
        pool.connection_class = _packing_in_c(pool.connection_class)


@cache
def _packing_in_c(kind: Any) -> Any:
    return type(f"CPacking{kind.__name__}", (kind,), {"pack_command": _pack_command})


def _pack_command(_connection: Any, *args: Any) -> list[bytes]:
    name = args[0]
    # redis-py's serializer splits names of two words, and looks at every argument for what our commands never hold.
    packed: list[bytes] = [_PACK(args)] if isinstance(name, str) and " " not in name else _SERIALIZER.pack(*args)
    return packed
