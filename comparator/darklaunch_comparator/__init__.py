"""Compare, record, judge: from the stream of replays to evidence in Postgres.

run                         a process: a consumer for each launch shard, writers, the leader's thread
pipeline                    the hot path: read replays, compare, write results in batches
compare, content, places    two responses → their differences; bodies and paths
rules, masking, noise       what counts as a difference, what must not be stored, what one version varies by itself
results                     a result, and the sums of a batch of them
leader                      what one comparator at a time does for all: launch states, accounting, judging, clean-up
judging, evidence           what the judge decides by, and the statistics under it; both pure
coverage                    which routes of the app were mirrored and judged
control                     launch states on Redis
store                       Postgres: all SQL
"""
