"""Numbered places where a test may have a process die on the spot, as if its machine had lost power.

Each lies between two steps that change something outside the process. DARKLAUNCH_CRASH_AT names one, with `:N` for the
Nth time that it is reached; without the variable, reaching a place does nothing. The fault suite dies at all of them.
"""

import os
import signal
from typing import Final

CRASH_POINTS: Final[dict[str, str]] = {
    "hook.1": "a batch has its numbers, and nothing of it is sent",
    "hook.2": "Redis has answered a batch, and the hook's numbers do not say so yet",
    "hook.3": "the hook's numbers say what was written, and the counters on Redis do not yet",
    "hook.4": "the counters are on Redis",
    "hook.5": "told to end: what waited is written, and the last counters are not",
    "hook.6": "told to end: the last counters are written, and the hook is on the list of the living still",
    "consumer.1": "entries were read: pending, and known to nobody but Redis",
    "consumer.2": "silent consumers' entries were claimed",
    "consumer.3": "an entry is about to be buried",
    "consumer.4": "an entry was buried",
    "consumer.5": "leases were extended",
    "consumer.6": "entries are about to be handed back",
    "consumer.7": "entries were handed back",
    "consumer.8": "the consumer has left its group, and its process is on the list of the living still",
    "worker.1": "an exchange is in hand, and nothing is done about it",
    "worker.2": "an exchange has a slot, and nothing is sent",
    "worker.3": "the shadow has answered, and only this process knows",
    "worker.4": "the outcome is packed, and not passed on",
    "worker.5": "the outcome is on the next stream, and the exchange counts as in hand still",
    "worker.6": "told to stop: what was under way has ended",
    "comparator.1": "a batch is compared, and nothing is recorded",
    "comparator.2": "in the transaction: no row is inserted",
    "comparator.3": "in the transaction: the rows are inserted, and in no sum",
    "comparator.4": "in the transaction: all is written, and not committed",
    "comparator.5": "a batch is committed, and not acknowledged",
    "comparator.6": "a batch is acknowledged, and counts as held still",
    "comparator.7": "told to stop: the writers wait for nothing any more",
    "leader.1": "the lock is held, and no duty is done",
    "leader.2": "the launches are listed on Redis, and their state is not looked at",
    "leader.3": "a launch's state is about to be published",
    "leader.4": "a launch's state was published",
    "leader.5": "a hold from Redis is recorded, and not published",
    "leader.6": "a shard's producers were copied",
    "leader.7": "partitions are in order, and Redis is not tidied",
    "leader.8": "in the transaction: lost exchanges are written, and not committed",
    "leader.9": "lost exchanges are committed, and how far the search came is not noted",
    "judge.1": "in the transaction: a window is taken in, and nothing of it is written",
    "judge.2": "the hold is on Redis and the act in the transaction, which is not committed",
    "judge.3": "what was judged and done is committed, and not published",
}
"""Every place and what is true there."""


_chosen, _left = "", 0


def choose_crash_point(place: str) -> None:
    """Have this process die at a place, `NAME` or `NAME:N`; "" for nowhere. Raises ValueError for one unknown."""
    global _chosen, _left
    _chosen, _, nth = place.partition(":")
    _left = int(nth or 1)
    if _chosen and _chosen not in CRASH_POINTS:
        raise ValueError(f"there is no place {_chosen!r} to crash at: it is one of {', '.join(CRASH_POINTS)}")


def crash_point(place: str) -> None:
    """Say that a place is reached. Nothing happens but where this process is to die."""
    global _left
    if place == _chosen:
        _left -= 1
        if _left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


choose_crash_point(os.environ.get("DARKLAUNCH_CRASH_AT", ""))
