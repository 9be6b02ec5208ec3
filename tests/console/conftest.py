"""What most tests of the commands begin with: the command line, told where the servers are, and a launch."""

import pytest

from tests.support.cli import Cli, closed_port, redis_client


@pytest.fixture
def cli(redis_url, postgres_dsn, tmp_path):
    return Cli(redis_url, postgres_dsn, str(tmp_path))


@pytest.fixture
def redis(redis_url):
    with redis_client(redis_url) as client:
        yield client


@pytest.fixture
def nowhere():
    return f"http://127.0.0.1:{closed_port()}"


@pytest.fixture
def launched(cli, launch_name, nowhere):
    """A launch that is active at 10 %."""
    cli.ok("start", launch_name, "--shadow", nowhere)
    return launch_name
