"""Task queues on Redis, each doing nothing as fast as one worker process of it can.

Each module is run by `bench.queues` in an environment of its own:

    python NAME_noop.py REDIS_URL MESSAGES      prints JSON: messages, seconds, cpu_s

It puts the messages on its queue first, outside the clock, then works them off in this process with the settings that
its documentation begins with.
"""
