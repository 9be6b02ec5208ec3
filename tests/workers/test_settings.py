"""Reading the environment of a worker."""

import pytest
from darklaunch_workers.settings import WorkerSettings, as_environment, read_settings
from pydantic import ValidationError


def test_nothing_set_means_the_defaults() -> None:
    assert read_settings({}) == WorkerSettings()
    assert (WorkerSettings().concurrency, WorkerSettings().processes) == (64, 1)


def test_our_own_name_for_the_redis_comes_first() -> None:
    assert read_settings({"REDIS_URL": "redis://a"}).redis_url == "redis://a"
    assert read_settings({"REDIS_URL": "redis://a", "DARKLAUNCH_REDIS_URL": "redis://b"}).redis_url == "redis://b"


def test_settings_survive_the_way_to_a_child_process() -> None:
    for settings in (
        WorkerSettings(),
        WorkerSettings(redis_url="redis://:p%40ss@h/1", concurrency=7, client="httpx", lease_s=2.5, parent=42),
    ):
        assert read_settings(as_environment(settings)) == settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DARKLAUNCH_WORKER_CONCURRENCY", "0"),
        ("DARKLAUNCH_WORKER_CONCURRENCY", "many"),
        ("DARKLAUNCH_WORKER_PROCESSES", "-1"),
        ("DARKLAUNCH_WORKER_CLIENT", "curl"),
        ("DARKLAUNCH_WORKER_LEASE_S", "0"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(ValidationError, match=name.removeprefix("DARKLAUNCH_WORKER_").lower()):
        read_settings({name: value})
