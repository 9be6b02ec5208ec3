"""dramatiq: actors on Redis lists, eight threads."""

import threading

import dramatiq
from clock import PAYLOAD, Clock, arguments
from dramatiq.brokers.redis import RedisBroker

url, messages = arguments()
clock = Clock(messages)
broker = RedisBroker(url=url)
dramatiq.set_broker(broker)


@dramatiq.actor
def noop(_payload: str) -> None:
    clock.tick()


for _ in range(messages):
    noop.send(PAYLOAD)
worker = dramatiq.Worker(broker, worker_threads=8)
worker.start()
threading.Event().wait(120)  # the clock ends the process
