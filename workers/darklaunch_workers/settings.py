"""The settings of a worker process. The environment is read here and nowhere else."""

from collections.abc import Mapping
from typing import Final, Literal

from darklaunch_shared.crypto.keyring import parse_keys
from darklaunch_shared.errors import BadKey
from pydantic import BaseModel, ConfigDict, Field, field_validator

_VARIABLES: Final = {
    "concurrency": "DARKLAUNCH_WORKER_CONCURRENCY",
    "processes": "DARKLAUNCH_WORKER_PROCESSES",
    "client": "DARKLAUNCH_WORKER_CLIENT",
    "lease_s": "DARKLAUNCH_WORKER_LEASE_S",
    "name": "DARKLAUNCH_WORKER_NAME",
    "parent": "DARKLAUNCH_WORKER_PARENT",
    "seal_key": "DARKLAUNCH_SEAL_KEY",
    "signing_key": "DARKLAUNCH_SIGNING_KEY",
}
_REDIS_URL: Final = ("DARKLAUNCH_REDIS_URL", "REDIS_URL")


class WorkerSettings(BaseModel):
    """How one worker command runs.

    redis_url    where the streams are
    concurrency  the most replays under way at once, for each launch in each process
    processes    how many processes to run; more than one are children of the one that was started
    client       HTTP client: "fast", "httpx", or "auto" for the fast one when it is installed
    lease_s      overrides every launch's lease; must be longer than a replay may take
    name         what people call this worker, in `backlog`; "" for none
    parent       process id whose end ends this process; 0 for none
    seal_key     NAME:KEY, or several, to open sealed credentials with
    signing_key  NAME:KEY, or several, one of which must have signed each entry; "" takes unsigned ones
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    redis_url: str = "redis://127.0.0.1:6379/0"
    concurrency: int = Field(default=64, ge=1, le=4096)
    processes: int = Field(default=1, ge=1, le=256)
    client: Literal["auto", "fast", "httpx"] = "auto"
    lease_s: float | None = Field(default=None, gt=0, le=86_400)
    name: str = Field(default="", max_length=60)
    parent: int = Field(default=0, ge=0)
    seal_key: str = Field(default="", repr=False)
    signing_key: str = Field(default="", repr=False)

    @field_validator("seal_key", "signing_key")
    @classmethod
    def _check_keys(cls, text: str) -> str:
        try:
            parse_keys(text)
        except BadKey as error:
            raise ValueError(str(error)) from None
        return text


def read_settings(environ: Mapping[str, str]) -> WorkerSettings:
    """Read the settings of this process. Raises pydantic.ValidationError when one is invalid."""
    values = {field: environ[name] for field, name in _VARIABLES.items() if environ.get(name)}
    redis_url = next((environ[name] for name in _REDIS_URL if environ.get(name)), None)
    return WorkerSettings.model_validate({**values, **({"redis_url": redis_url} if redis_url else {})})


def as_environment(settings: WorkerSettings) -> dict[str, str]:
    """Return the environment variables from which `read_settings` reads these settings."""
    values = {name: getattr(settings, field) for field, name in _VARIABLES.items()}
    return {
        _REDIS_URL[0]: settings.redis_url,
        **{name: "" if value is None else str(value) for name, value in values.items()},
    }
