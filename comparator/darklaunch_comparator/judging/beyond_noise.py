"""Which places of answers differ more than their own noise: it says where a fault is, and condemns nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from darklaunch_comparator.evidence import OutcomeCounts, above, blame, log_e


@dataclass(frozen=True, slots=True)
class PairedPlace:
    """How one place differed in `pairs` exchanges of which one version was asked twice.

    `pos`: the shadow differs from the primary there, and the version asked twice not from itself; `neg`: the other way
    round. By noise alone both are as likely.
    """

    endpoint: str
    path: str
    version: str
    pos: int
    neg: int
    pairs: int

    @property
    def log_e(self) -> float:
        """The log evidence that the shadow differs more than noise does."""
        return log_e(above(0.0, lo=-1), OutcomeCounts(self.pos, self.neg, self.pairs))

    @property
    def key(self) -> tuple[str, str, str]:
        """Which place, as which version shows it."""
        return self.endpoint, self.path, self.version


def over_noise(counted: Iterable[PairedPlace], before: Iterable[PairedPlace], alpha: float) -> tuple[PairedPlace, ...]:
    """Name the places that differ more than their own noise, strongest first, so that about `alpha` are wrong at most.

    What was counted `before` is left out. Only places where anything differed are weighed against each other; at the
    others there is no evidence at all.
    """
    earlier: Mapping[tuple[str, str, str], PairedPlace] = {each.key: each for each in before}
    lately = [_since(each, earlier.get(each.key)) for each in counted]
    found = {each: each.log_e for each in lately if each.pos > 0 or each.neg > 0}
    named: dict[tuple[str, str], PairedPlace] = {}
    for each in blame(found, alpha):
        named.setdefault((each.endpoint, each.path), each)
    return tuple(named.values())


def _since(now: PairedPlace, before: PairedPlace | None) -> PairedPlace:
    if before is None:
        return now
    return replace(now, pos=now.pos - before.pos, neg=now.neg - before.neg, pairs=now.pairs - before.pairs)
