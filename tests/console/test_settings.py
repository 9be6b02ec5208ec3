import json

import pytest
from darklaunch_console.embedded.homes import ServersDir, kept_dir_path
from darklaunch_console.embedded.locks import acquire_locks
from darklaunch_console.embedded.running import RunningServers, write_running
from darklaunch_console.errors import BadUsage
from darklaunch_console.settings import ServerAddress, read_settings


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DARKLAUNCH_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def up(home):
    """Pretend that `darklaunch up` runs, as far as other commands can see: its locked directory with its addresses."""
    path = kept_dir_path(home)
    path.mkdir()
    locks = acquire_locks(path, 1.0)
    write_running(
        ServersDir(path, True, locks.servers), RunningServers("redis://up:1/0", "postgresql://up:2/darklaunch")
    )
    yield path
    locks.release()


def test_with_nothing_named_redis_is_the_one_on_this_machine_and_postgres_is_missing(home):
    settings = read_settings({}, None, None)
    assert settings.redis is None
    assert settings.redis_or_default == ServerAddress("redis://127.0.0.1:6379/0", "")
    assert settings.database is None


def test_options_come_before_our_variables_and_those_before_the_common_ones(home):
    common = {"REDIS_URL": "redis://common", "DATABASE_URL": "postgresql://common"}
    ours = {**common, "DARKLAUNCH_REDIS_URL": "redis://ours", "DARKLAUNCH_DATABASE_URL": "postgresql://ours"}
    assert read_settings(common, None, None).redis == ServerAddress("redis://common", "REDIS_URL")
    settings = read_settings(ours, None, None)
    assert settings.redis == ServerAddress("redis://ours", "DARKLAUNCH_REDIS_URL")
    assert settings.database == ServerAddress("postgresql://ours", "DARKLAUNCH_DATABASE_URL")
    settings = read_settings(ours, "redis://option", "host=option")
    assert settings.redis == ServerAddress("redis://option", "--redis")
    assert settings.database == ServerAddress("host=option", "--database")


def test_an_empty_variable_names_nothing(home):
    assert read_settings({"REDIS_URL": "", "DATABASE_URL": ""}, None, None).redis is None


@pytest.mark.parametrize("url", ["http://x", "127.0.0.1:6379", "redis://h:99999", "redis://h:port"])
def test_what_is_no_redis_url_is_named_by_its_source(home, url):
    with pytest.raises(BadUsage, match="REDIS_URL is not the URL of a Redis"):
        read_settings({"REDIS_URL": url, "DATABASE_URL": "host=x"}, None, None)


@pytest.mark.parametrize("url", ["mysql://x", "localhost"])
def test_what_is_no_postgres_url_is_named_by_its_source(home, url):
    with pytest.raises(BadUsage, match="DATABASE_URL is not the URL of a Postgres"):
        read_settings({"REDIS_URL": "redis://h", "DATABASE_URL": url}, None, None)


def test_a_running_up_is_found(up):
    settings = read_settings({}, None, None)
    assert settings.redis == ServerAddress("redis://up:1/0", "darklaunch up")
    assert settings.database == ServerAddress("postgresql://up:2/darklaunch", "darklaunch up")


def test_a_running_up_fills_in_what_is_not_named(up):
    settings = read_settings({"REDIS_URL": "redis://up:1/0"}, None, None)
    assert settings.database == ServerAddress("postgresql://up:2/darklaunch", "darklaunch up")


def test_a_running_up_with_another_redis_fills_in_nothing(up):
    assert read_settings({"REDIS_URL": "redis://other"}, None, None).database is None
    assert read_settings({"DATABASE_URL": "postgresql://other"}, None, None).redis is None


def test_what_a_killed_up_left_behind_says_nothing(home):
    path = kept_dir_path(home)
    path.mkdir()
    (path / "owner.lock").touch()
    (path / "running.json").write_text(json.dumps({"redis_url": "redis://gone", "postgres_url": "postgresql://gone"}))
    assert read_settings({}, None, None).redis is None
