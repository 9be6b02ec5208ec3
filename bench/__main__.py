"""Run every benchmark and print its table: `python -m bench [--quick] [--only NAME]`.

They run one after the other, each as `python -m bench.NAME` would with its own defaults; that takes about three
quarters of an hour on two cores, ten minutes of it for the soak. `--quick` runs fewer rounds, to see that everything
runs; its figures are not worth quoting. Peers come with `uv sync --group bench`; what is not installed is left out with
a word.
"""

import argparse
import os
import platform
import subprocess
import sys
import time

BENCHMARKS = {  # name -> what `--quick` adds
    "hook_call": ["--rounds", "5"],
    "hook_server": ["--rounds", "1", "--seconds", "1"],
    "compare": ["--rounds", "3"],
    "rules": ["--rounds", "3"],
    "comparator": ["--rounds", "1"],
    "worker": ["--rounds", "1"],
    "http_clients": ["--rounds", "1"],
    "queues": ["--rounds", "1", "--messages", "1000"],
    "pipeline": ["--rounds", "1", "--seconds", "3"],
    "scaling": ["--rounds", "1", "--sizes", "1000,10000"],
    "memory": ["--minutes", "0.5"],
}


def main(*, quick: bool, only: str) -> int:
    """Run the benchmarks whose name contains `only`; give how many failed."""
    cores = len(os.sched_getaffinity(0))
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {cores} cores")
    failed = 0
    for name, less in BENCHMARKS.items():
        if only not in name:
            continue
        print(f"\n== python -m bench.{name}", flush=True)
        began_s = time.monotonic()
        ran = subprocess.run([sys.executable, "-W", "ignore", "-m", f"bench.{name}", *(less if quick else [])])
        failed += ran.returncode != 0
        print(f"({time.monotonic() - began_s:,.0f} s{'' if ran.returncode == 0 else ', failed'})", flush=True)
    return failed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    sys.exit(main(quick=given.quick, only=given.only))
