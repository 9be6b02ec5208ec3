"""One place in made-up responses, and how it is learned, exchange by exchange, as in a launch."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from darklaunch_comparator.noise.learning import NoiseState, PlaceCounts, classify_place
from darklaunch_shared.wire.replay import ReplayedVersion

Draw = Callable[[random.Random], tuple[float, float, float]]
"""Draws the primary's, the shadow's and the second response at one place."""


@dataclass
class Learned:
    """How one place was learned: the exchanges and the second replays until it was decided, and its states in order."""

    exchanges: int = 0
    asked: int = 0
    states: list[NoiseState] = field(default_factory=list)


def learn(draw: Draw, version: ReplayedVersion, seed: int, exchanges: int = 300) -> Learned:
    """Ask again whenever the shadow differs, until the place is decided, and for one exchange in ten anyway."""
    chance, counts, state = random.Random(seed), Counter[str](), NoiseState.LEARNING
    learned = Learned()
    for number in range(1, exchanges + 1):
        primary, shadow, again = draw(chance)
        if state is NoiseState.EXCEEDED:
            break
        if not ((shadow != primary and state is NoiseState.LEARNING) or chance.random() < 0.1):
            continue
        learned.asked += state is NoiseState.LEARNING
        if shadow == primary:
            counts["again_odd"] += again != primary
        elif again in (primary, shadow):
            counts["shadow_odd" if again == primary else "primary_odd"] += 1
            counts["rising" if shadow > primary else "falling"] += 1
        else:
            counts["all_differ"] += 1
        before, state = state, classify_place(version, PlaceCounts(**counts), state)
        if state is not before:
            learned.states.append(state)
            learned.exchanges = learned.exchanges or number
    return learned


def present(share: float) -> Draw:
    """A field that each response has with this probability."""
    return lambda chance: tuple(float(chance.random() < share) for _ in range(3))  # type: ignore[return-value]


def varying(share: float) -> Draw:
    """A number that is another one in this share of the responses."""
    return lambda chance: tuple(chance.random() if chance.random() < share else 0.5 for _ in range(3))  # type: ignore[return-value]


def wrong(right: float, *values: float, control: bool = False) -> Draw:
    """A shadow that returns the right value with this probability, else one wrong value, by the exchange."""

    def draw(chance: random.Random) -> tuple[float, float, float]:
        value = chance.choice(values)
        shadow, again = (1.0 if chance.random() < right else value for _ in range(2))
        return 1.0, shadow, 1.0 if control else again

    return draw
