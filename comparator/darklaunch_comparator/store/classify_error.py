"""Decide what to do about a failed batch: isolate the row to blame, or wait for the server.

Errors are classified by SQLSTATE (PostgreSQL documentation, appendix "PostgreSQL Error Codes"). Only errors that
surely come from the data blame a row: blaming rows for a missing table, a full disk or an unexpected error would bury
every exchange there is.
"""

from enum import Enum
from typing import Final

import psycopg

from darklaunch_comparator.errors import StoreError


class BatchFailure(Enum):
    """What to do about a failed batch."""

    ROW = "row"  # bisect the batch, and bury the one row
    SERVER = "server"  # try the whole batch again, later
    RACE = "race"  # try the whole batch again, at once


_DATA: Final = ("22", "23", "54")  # data exception, integrity violation, program limit exceeded
_RACES: Final = ("40001", "40P01", "23505")  # serialization failure, deadlock, two writers of one provisional row


class ProvisionalRowAppeared(StoreError):
    """Another writer recorded a provisional row for an exchange of this batch during the transaction."""


def classify_error(error: Exception) -> BatchFailure:
    """Return what to do about a batch that failed with this error."""
    if isinstance(error, ProvisionalRowAppeared):
        return BatchFailure.RACE
    if isinstance(error, psycopg.Error):
        state = error.sqlstate
        if state is None:  # raised on this side: a value that cannot be sent, or a broken connection
            return BatchFailure.ROW if isinstance(error, psycopg.DataError) else BatchFailure.SERVER
        if state in _RACES:
            return BatchFailure.RACE
        return BatchFailure.ROW if state[:2] in _DATA else BatchFailure.SERVER
    return BatchFailure.SERVER if isinstance(error, OSError | MemoryError | StoreError) else BatchFailure.ROW
