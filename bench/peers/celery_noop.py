"""celery: tasks on Redis lists, in the worker's own process (`--pool solo`), without a result backend."""

from celery import Celery
from clock import PAYLOAD, Clock, arguments

url, messages = arguments()
clock = Clock(messages)
app = Celery("noop", broker=url)


@app.task(ignore_result=True)
def noop(_payload: str) -> None:
    clock.tick()


for _ in range(messages):
    noop.delay(PAYLOAD)
app.worker_main(["worker", "--pool", "solo", "--loglevel", "ERROR", "--without-gossip", "--without-mingle"])
