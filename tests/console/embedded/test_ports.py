"""Loopback ports: the preferred one while it is free, and a log that says it was taken."""

import socket

import pytest
from darklaunch_console.embedded.ports import LOOPBACK, free_port, port_was_taken


def test_a_preferred_port_that_is_taken_gives_way_to_another() -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port: int = taken.getsockname()[1]
        assert free_port(port) != port


@pytest.mark.parametrize(
    ("log", "taken"),
    [
        ("Could not create server TCP listening socket 127.0.0.1:6379: bind: Address already in use", True),
        ('could not bind IPv4 address "127.0.0.1": Address already in use', True),
        ("error: address in use", True),
        ("FATAL: could not access the data directory", False),
        ("", False),
    ],
)
def test_a_log_says_whether_the_port_was_taken(log: str, taken: bool) -> None:
    assert port_was_taken(log) is taken
