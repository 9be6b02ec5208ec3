"""Named points at which a test can have a process die on the spot, as if its machine had lost power.

Each lies between two steps that change something outside the process. DARKLAUNCH_CRASH_AT=NAME kills the process the
first time it gets there, NAME:N the Nth time; without the variable, crash points do nothing. The fault suite crashes
at all of them.
"""

import os
import signal
from typing import Final

CRASH_POINTS: Final[dict[str, str]] = {
    "hook.numbered": "a batch has its numbers, nothing of it is sent",
    "hook.answered": "Redis has answered a batch, the hook's numbers do not say so yet",
    "hook.counted": "the hook's numbers say what was written, the counters on Redis do not yet",
    "hook.counters_written": "the counters are on Redis",
    "hook.drained": "at the end: what waited is written, the last counters are not",
    "hook.closed": "at the end: the last counters are written, the hook is still registered as alive",
    "consumer.read": "entries were read: they are pending, only Redis knows",
    "consumer.claimed": "entries of silent consumers were claimed",
    "consumer.burying": "an entry is about to be moved to the dead letters",
    "consumer.buried": "an entry was moved to the dead letters",
    "consumer.extended": "leases were extended",
    "consumer.handing_back": "entries are about to be handed back",
    "consumer.handed_back": "entries were handed back",
    "consumer.left": "the consumer has left its group, its process is still registered as alive",
    "worker.received": "an exchange was received, nothing is done about it",
    "worker.slot_taken": "an exchange has a slot, nothing is sent",
    "worker.responded": "the shadow has responded, only this process knows",
    "worker.packed": "the outcome is packed, not passed on",
    "worker.passed_on": "the outcome is on the next stream, this process still counts the exchange as its own",
    "worker.stopping": "at the end: the replays that were under way have ended",
    "comparator.compared": "a batch is compared, nothing is recorded",
    "comparator.transaction_begun": "in the transaction: no row is inserted",
    "comparator.rows_inserted": "in the transaction: the rows are inserted, the aggregates do not count them",
    "comparator.aggregates_updated": "in the transaction: everything is written, not committed",
    "comparator.committed": "a batch is committed, not acknowledged",
    "comparator.acknowledged": "a batch is acknowledged, this process still counts it as its own",
    "comparator.stopping": "at the end: the writers have nothing left to write",
    "leader.elected": "the lock is taken, no duty is done",
    "leader.launches_listed": "the launches are listed on Redis, their state is not looked at",
    "leader.publishing": "a launch's state is about to be published",
    "leader.published": "a launch's state was published",
    "leader.hold_recorded": "a hold from Redis is recorded, not published",
    "leader.counters_copied": "the producer counters of a shard were copied",
    "leader.partitions_maintained": "partitions are in order, Redis is not cleaned up",
    "leader.losses_written": "in the transaction: lost exchanges are written, not committed",
    "leader.losses_committed": "lost exchanges are committed, the progress of the search is not",
    "judge.window_added": "in the transaction: the evidence has one more window, nothing of it is written",
    "judge.hold_set": "the hold is on Redis, the act in a transaction that is not committed",
    "judge.committed": "verdict and act are committed, not published",
}
"""Every crash point and what is true there."""


_chosen = ""
_passes_left = 0


def choose_crash_point(choice: str) -> None:
    """Make this process die at a crash point, `NAME` or `NAME:N`; "" for none. Raises ValueError for an unknown one."""
    global _chosen, _passes_left
    _chosen, _, nth = choice.partition(":")
    _passes_left = int(nth or 1)
    if _chosen and _chosen not in CRASH_POINTS:
        raise ValueError(f"there is no crash point {_chosen!r}: it is one of {', '.join(CRASH_POINTS)}")


def crash_point(name: str) -> None:
    """Kill this process if the point was chosen; otherwise do nothing."""
    global _passes_left
    if name == _chosen:
        _passes_left -= 1
        if _passes_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


choose_crash_point(os.environ.get("DARKLAUNCH_CRASH_AT", ""))
