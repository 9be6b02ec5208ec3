"""The garbage collector of a process that works on a stream of short-lived things."""

import gc
from typing import Final

YOUNG_THRESHOLD: Final = 5_000
"""New objects before the collector looks at them. Most of an exchange's die by themselves long before."""


def freeze_startup_objects() -> None:
    """Have the collector never look again at what is there now: modules, classes, settings.

    To be called once, when a process has started up. A full collection of all that takes tens of milliseconds; under
    load there would be one for every few thousand exchanges, and while it runs no answer's time can be taken.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_THRESHOLD, *gc.get_threshold()[1:])
