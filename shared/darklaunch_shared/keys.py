"""Every Redis name in one place: keys, groups and entry fields. Nothing else in the product spells one.

Keys of one launch shard carry one hash tag, so every script touches one Cluster slot.
"""

from typing import Final
from zlib import crc32

REVISION: Final = "dl:revision"  # int, bumped on every control change
LAUNCHES: Final = "dl:launches"  # set of launch names
HOOKS: Final = "dl:hooks"  # hash, producer id -> "<seen, epoch ms> <JSON about the process>"
WORKERS: Final = "dl:workers"  # hash, consumer name -> the same
COMPARATORS: Final = "dl:comparators"  # hash, consumer name -> the same
ROUTES: Final = "dl:routes"  # hash, "<app>:<fingerprint>" -> "<seen, epoch ms> <JSON: a route table>"

WORKER_GROUP: Final = "workers"
COMPARATOR_GROUP: Final = "comparators"

V: Final = b"v"
ID: Final = b"id"
META: Final = b"meta"
REQUEST: Final = b"request"
RESPONSE: Final = b"response"
SHADOW_META: Final = b"shadow_meta"
SHADOW: Final = b"shadow"
CONTROL_META: Final = b"control_meta"
CONTROL: Final = b"control"


def launch(name: str) -> str:
    """Name the hash that holds a launch's control state."""
    return f"dl:launch:{name}"


def captures(name: str, shard: int = 0) -> str:
    """Name the stream of exchanges."""
    return f"{{dl:{name}:{shard}}}:captures"


def replays(name: str, shard: int = 0) -> str:
    """Name the stream of replays."""
    return f"{{dl:{name}:{shard}}}:replays"


def dead(name: str, shard: int = 0) -> str:
    """Name the stream of dead letters."""
    return f"{{dl:{name}:{shard}}}:dead"


def ledger(name: str, shard: int = 0) -> str:
    """Name the hash of counters that scripts keep: admitted, shed, replayed, dead, foreign, superseded, lost_pel."""
    return f"{{dl:{name}:{shard}}}:ledger"


def admitted(name: str, shard: int = 0) -> str:
    """Name the hash producer id -> highest sequence number on the stream: what makes admission idempotent."""
    return f"{{dl:{name}:{shard}}}:admitted"


def producers(name: str, shard: int = 0) -> str:
    """Name the hash producer id -> that producer's absolute counters."""
    return f"{{dl:{name}:{shard}}}:producers"


def shard_of(producer: str, shards: int) -> int:
    """Choose a producer's shard. All of a producer's exchanges share one, which keeps their sequence gapless there."""
    return crc32(producer.encode()) % shards
