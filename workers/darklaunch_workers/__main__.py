"""`python -m darklaunch_workers`: one worker with settings from the environment, as a parent worker starts it."""

import logging
import os
import sys

from darklaunch_shared.process.safe_logging import configure_logging

from .run import run_worker
from .settings import read_settings

if __name__ == "__main__":
    configure_logging(logging.INFO, "%(asctime)s %(levelname)s %(name)s: %(message)s")
    sys.exit(run_worker(read_settings(os.environ)))
