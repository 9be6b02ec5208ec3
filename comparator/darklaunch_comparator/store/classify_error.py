"""Whose fault a failed batch is: a row's, which is then searched for, or the server's, which is waited for.

By SQLSTATE class (PostgreSQL documentation, appendix "PostgreSQL Error Codes"). Only what is known to lie in the data
blames a row: a missing table, a full disk or an error nobody expects would otherwise bury every exchange there is.
"""

from enum import Enum
from typing import Final

import psycopg

from darklaunch_comparator.errors import StoreError


class BatchFailure(Enum):
    """What to do about a failed batch."""

    ROW = "row"  # bisect, and bury the one row
    SERVER = "server"  # the whole batch again, later
    RACE = "race"  # the whole batch again, at once


_DATA: Final = ("22", "23", "54")  # data exception, integrity violation, program limit exceeded
_RACES: Final = ("40001", "40P01", "23505")  # serialization failure, deadlock, two writers of one provisional row


class ProvisionalRowAppeared(Exception):
    """Another writer recorded a provisional row for an exchange of this batch while it was being written."""


def classify_error(error: Exception) -> BatchFailure:
    """Decide whose fault an error is."""
    if isinstance(error, ProvisionalRowAppeared):
        return BatchFailure.RACE
    if isinstance(error, psycopg.Error):
        state = error.sqlstate
        if state is None:  # raised on this side: a value that cannot be sent, or a connection that broke
            return BatchFailure.ROW if isinstance(error, psycopg.DataError) else BatchFailure.SERVER
        if state in _RACES:
            return BatchFailure.RACE
        return BatchFailure.ROW if state[:2] in _DATA else BatchFailure.SERVER
    return BatchFailure.SERVER if isinstance(error, OSError | MemoryError | StoreError) else BatchFailure.ROW
