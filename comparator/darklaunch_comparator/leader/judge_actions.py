"""The judge's actions: record a verdict, roll back, raise the share, promote. Each is an event with all it rests on."""

import logging
from collections.abc import Mapping
from typing import Any, Final

from darklaunch_shared.launch.spec import LaunchStatus
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.publish import publish_launch
from psycopg import Connection
from redis.exceptions import RedisError

from darklaunch_comparator.control.hold import set_hold
from darklaunch_comparator.judging.decision import JudgeDecision, JudgeMove, LaunchVerdict
from darklaunch_comparator.judging.launch_evidence import LaunchEvidence
from darklaunch_comparator.judging.policy import JudgePolicy
from darklaunch_comparator.judging.summary import summarize_judgement
from darklaunch_comparator.store.launches import LaunchAct, LaunchRecord, record_launch_event, update_launch

ACTOR: Final = "judge"

log = logging.getLogger("darklaunch.comparator")


class JudgeActions:
    """Acts on one launch, within the transaction in which it is judged. `changed_launch` is the launch afterwards."""

    def __init__(
        self, connection: Connection[Any], redis: RedisClient, record: LaunchRecord, policy: JudgePolicy
    ) -> None:
        self.changed_launch: LaunchRecord | None = None
        self._connection = connection
        self._redis = redis
        self._record = record
        self._policy = policy

    def record_verdict(
        self,
        before: LaunchVerdict,
        decision: JudgeDecision,
        evidence: LaunchEvidence,
        context: Mapping[str, object],
    ) -> None:
        """Record that the verdict changed. `context` is added to the event."""
        data = {"was": before.value, **summarize_judgement(evidence, decision, self._policy), **context}
        reason = f"{decision.verdict.value.replace('_', ' ')}: {data['why']}"
        record_launch_event(self._connection, self._record, LaunchAct(ACTOR, "verdict", reason, data=data))
        log.info("launch %s: %s", self._record.state.name, reason)

    def make_move(self, decision: JudgeDecision, evidence: LaunchEvidence, context: Mapping[str, object]) -> None:
        """Make the move that a decision asks for. Raises LaunchChanged if the launch was changed meanwhile."""
        state = self._record.state
        data = {**summarize_judgement(evidence, decision, self._policy), **context}
        changes: dict[str, Any]
        if decision.move is JudgeMove.ROLL_BACK:
            act, reason = "rolled_back", str(data["why"])
            # Traffic stops at once. If the record fails, `ControlSync` records the rollback from this hold.
            set_hold(self._redis, state.name, ACTOR, reason, act, only_at=state.revision)
            changes = {"status": LaunchStatus.ROLLED_BACK, "hold": True}
        elif decision.move is JudgeMove.RAISE:
            step = self._policy.steps[evidence.progress.step]
            next_step = self._policy.steps[evidence.progress.step + 1]
            act = "ramped"
            reason = f"all checks pass at {step.percent:g} % of traffic: raised to {next_step.percent:g} %"
            changes = {"percent": next_step.percent}
        else:
            act, reason = "promoted", str(data["why"])
            changes = {"status": LaunchStatus.PROMOTED}
        action = LaunchAct(ACTOR, act, reason, data=data)
        self.changed_launch = update_launch(self._connection, state.name, action, only_at=state.revision, **changes)
        log.warning("launch %s: %s: %s", state.name, act.replace("_", " "), reason)


def publish_if_possible(redis: RedisClient, record: LaunchRecord) -> None:
    """Publish the launch to Redis; if Redis cannot be reached, `ControlSync` publishes it later."""
    try:
        publish_launch(redis, record.state, lift_hold=False)
    except (RedisError, OSError) as error:
        log.warning("launch %s: recorded, but not published yet: %s", record.state.name, error)
