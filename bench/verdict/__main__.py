"""Verify by seeded simulation that verdicts keep their error rates, each beside what is usually done instead.

"The judge" is the product's own code, window by window; the other rows compute its parts in arrays.

    python -m bench.verdict [--short] [--launches 1000]

Prints one table and exits 1 when a bound is broken. With fewer than 1,000 launches the bounds leave room for the larger
sampling error: false alarms may exceed α by three standard errors, and so may the share beyond a quantile's bound.
"""

import argparse
import sys
import time
from collections.abc import Callable

from . import alarms, blaming, delays, doubts, exact
from .rows import Group, table

SHORT_LAUNCHES = 200


def main() -> int:
    """Run the simulations one after another; print each as it is done."""
    options = argparse.ArgumentParser(prog="python -m bench.verdict", description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--launches", type=int, default=1000, help="simulated launches in each scenario, at least 50")
    options.add_argument("--short", action="store_true", help=f"{SHORT_LAUNCHES} launches, some minutes on one core")
    given = options.parse_args()
    if given.launches < 50:
        options.error("--launches: fewer than 50 show nothing")
    size = SHORT_LAUNCHES if given.short else given.launches
    began = time.monotonic()
    scenarios: list[Callable[[], Group]] = [
        exact.known_values,
        exact.any_order_any_split,
        alarms.arrays_against_the_product,
        lambda: alarms.at_the_boundary(size),
        lambda: alarms.in_bursts(size),
        lambda: alarms.in_slow_spells(size),
        lambda: delays.of_mismatches(size),
        lambda: delays.of_slow_launches(size),
        lambda: delays.of_clean_launches(size),
        lambda: delays.of_launches_at_the_margin(size),
        lambda: delays.after_a_good_stretch(size),
        lambda: doubts.of_noise(size),
        lambda: doubts.of_faults(size),
        lambda: blaming.of_endpoints(size),
        lambda: blaming.of_the_judge(size),
        exact.seven_of_ten_a_hundred_times_slower,
    ]
    broken = 0
    for scenario in scenarios:
        group = scenario()
        broken += sum(row.holds is False for row in group.rows)
        print(table([group]), end="\n\n", flush=True)
    asked = f"{size:,} launches a scenario, {time.monotonic() - began:.0f} s"
    print(f"{broken} bounds are broken. {asked}." if broken else f"All bounds hold. {asked}.")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
