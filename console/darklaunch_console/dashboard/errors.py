"""What a page cannot show."""

from darklaunch_console.errors import ConsoleError


class NoSuchPage(ConsoleError):
    """Nothing is recorded under this address; the message says what is not there and why."""
