"""The settings of a comparator process. Its environment is read here and nowhere else."""

from collections.abc import Mapping
from typing import Final

from darklaunch_shared.redis.client import WAIT_MS
from pydantic import BaseModel, ConfigDict, Field

_VARIABLES: Final = {
    "redis_url": ("DARKLAUNCH_REDIS_URL", "REDIS_URL"),
    "database_url": ("DARKLAUNCH_DATABASE_URL", "DATABASE_URL"),
    "batch_entries": ("DARKLAUNCH_COMPARATOR_BATCH",),
    "writers": ("DARKLAUNCH_COMPARATOR_WRITERS",),
    "retention_days": ("DARKLAUNCH_RETENTION_DAYS",),
    "gap_after_s": ("DARKLAUNCH_GAP_AFTER_S",),
    "judge_grace_s": ("DARKLAUNCH_JUDGE_GRACE_S",),
    "webhook_secret": ("DARKLAUNCH_WEBHOOK_SECRET",),
    "command": ("DARKLAUNCH_COMMAND",),
    "name": ("DARKLAUNCH_COMPARATOR_NAME",),
    "parent": ("DARKLAUNCH_COMPARATOR_PARENT",),
}


class ComparatorSettings(BaseModel):
    """How one comparator runs.

    redis_url       the Redis with the streams
    database_url    the Postgres that is the record
    batch_entries   maximum of replays recorded in one transaction
    batch_wait_ms   how long an incomplete batch waits for more
    wait_ms         how long a read waits for entries, and so how long stopping may take if there are none
    batch_bytes     about how many bytes of entries each launch shard keeps in memory at once
    writers         connections to Postgres that record in parallel
    lease_s         how long entries stay with a silent comparator before another claims them
    retention_days  how long rows are kept
    gap_after_s     age at which a missing exchange counts as lost; None for the launch's max_age_s + 5 leases
    gap_every_s     how often lost exchanges are looked for
    judge_grace_s   how long after its end a window is judged at the earliest
    webhook_secret  signs webhooks; without it, none is sent
    command         command line, run without a shell after each promotion or rollback
    name            what people call this comparator, in `backlog`; "" for none
    parent          process id whose end ends this process; 0 for none
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    redis_url: str = "redis://127.0.0.1:6379/0"
    database_url: str = ""
    batch_entries: int = Field(default=2_000, ge=1, le=5_000)
    batch_wait_ms: int = Field(default=100, ge=0, le=10_000)
    wait_ms: int = Field(default=WAIT_MS, ge=1, le=WAIT_MS)
    batch_bytes: int = Field(default=32 * 1024 * 1024, ge=1)
    writers: int = Field(default=2, ge=1, le=64)
    lease_s: float = Field(default=15.0, gt=0, le=3_600)
    retention_days: int = Field(default=14, ge=1, le=3_650)
    gap_after_s: float | None = Field(default=None, ge=0)
    gap_every_s: float = Field(default=60.0, gt=0)
    judge_grace_s: float = Field(default=10.0, ge=0, le=3_600)
    webhook_secret: str = Field(default="", repr=False)
    command: str = ""
    name: str = Field(default="", max_length=60)
    parent: int = Field(default=0, ge=0)


def read_settings(environ: Mapping[str, str]) -> ComparatorSettings:
    """Read the settings from an environment. Raises pydantic.ValidationError if one makes no sense."""
    values = {
        field: next(environ[name] for name in names if environ.get(name))
        for field, names in _VARIABLES.items()
        if any(environ.get(name) for name in names)
    }
    return ComparatorSettings.model_validate(values)
