"""Every name on Redis: keys, consumer groups, fields of entries and hashes. Nothing else in the product spells one.

The exceptions are the Lua scripts, whose headers name the fields they touch. All keys of one launch shard carry one
hash tag, so that every script touches one Redis Cluster slot.
"""

from typing import Final
from zlib import crc32

REVISION: Final = "dl:revision"  # int, incremented on every change of a launch's state
INSTALLATION: Final = "dl:installation"  # hash, field `id`: the installation whose launches are on this Redis
INSTALLATION_ID: Final = b"id"
LAUNCHES: Final = "dl:launches"  # set of launch names
HOOKS: Final = "dl:hooks"  # hash, producer id -> "<seen, epoch ms> <JSON about the process>"
WORKERS: Final = "dl:workers"  # hash, consumer name -> the same
COMPARATORS: Final = "dl:comparators"  # hash, consumer name -> the same
ROUTES: Final = "dl:routes"  # hash, "<app>:<fingerprint>" -> "<seen, epoch ms> <JSON: a route table>"

USED_BUCKET_MS: Final = 60_000

WORKER_GROUP: Final = "workers"
COMPARATOR_GROUP: Final = "comparators"

# Fields of an entry of captures or replays; wire.exchange and wire.replay say what they contain.
V: Final = b"v"
ID: Final = b"id"
META: Final = b"meta"
REQUEST: Final = b"request"
RESPONSE: Final = b"response"
SHADOW_META: Final = b"shadow_meta"
SHADOW: Final = b"shadow"
CONTROL_META: Final = b"control_meta"
CONTROL: Final = b"control"

# Fields that a dead letter has besides those of the entry that died.
DEAD_REASON: Final = b"dead_reason"
DEAD_GROUP: Final = b"dead_group"
DEAD_DELIVERIES: Final = b"dead_deliveries"
DEAD_AT: Final = b"dead_at"

# Fields of a launch's hash: its state.
STATE_REVISION: Final = b"revision"
STATE_STATUS: Final = b"status"
STATE_PERCENT: Final = b"percent"
STATE_SPEC: Final = b"spec"  # JSON
STATE_HOLD: Final = b"hold"  # anything but "" and "0" stops the launch
STATE_HOLD_BY: Final = b"hold_by"
STATE_HOLD_WHY: Final = b"hold_why"
STATE_HOLD_AT: Final = b"hold_at"  # epoch ms
STATE_HOLD_ACT: Final = b"hold_act"  # what the leader records of the hold; deleted once that is done
STATE_DISCARD: Final = b"settle"  # while paused: the reason for which workers drop what waits


def launch(name: str) -> str:
    """Return the hash with a launch's state."""
    return f"dl:launch:{name}"


LAUNCH_PATTERN: Final = "dl:launch:*"


def known_noise(name: str) -> str:
    """Return the string with the endpoints whose noise is known, a JSON array: workers ask the others again at once."""
    return f"dl:known-noise:{name}"


def imports(name: str) -> str:
    """Return the hash file -> JSON: how far each traffic file was imported for a launch."""
    return f"dl:imports:{name}"


def captures(name: str, shard: int = 0) -> str:
    """Return the stream of exchanges."""
    return f"{{dl:{name}:{shard}}}:captures"


def replays(name: str, shard: int = 0) -> str:
    """Return the stream of replays."""
    return f"{{dl:{name}:{shard}}}:replays"


def dead(name: str, shard: int = 0) -> str:
    """Return the stream of dead letters."""
    return f"{{dl:{name}:{shard}}}:dead"


def ledger(name: str, shard: int = 0) -> str:
    """Return the hash of counters that scripts keep: admitted, shed, replayed, dropped, dead, foreign, repeated, …"""
    return f"{{dl:{name}:{shard}}}:ledger"


def admitted(name: str, shard: int = 0) -> str:
    """Return the hash producer id -> highest sequence number on the stream. It makes admission idempotent."""
    return f"{{dl:{name}:{shard}}}:admitted"


def producers(name: str, shard: int = 0) -> str:
    """Return the hash producer id -> that producer's absolute counters."""
    return f"{{dl:{name}:{shard}}}:producers"


def used(name: str, shard: int, captured_at_ms: int) -> str:
    """Return the hash exchange id -> entry that uses it, of signed exchanges captured within one USED_BUCKET_MS.

    It expires once they are too old to be replayed.
    """
    return f"{{dl:{name}:{shard}}}:used:{captured_at_ms // USED_BUCKET_MS}"


def shard_of(producer: str, shards: int) -> int:
    """Return a producer's shard. All its exchanges go to one, so that their sequence has no gaps there."""
    return crc32(producer.encode()) % shards
