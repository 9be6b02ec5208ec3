"""Compare, record, judge: from the stream of replays to evidence in Postgres.

`run` keeps a `lane` for each launch shard: it reads entries, `assess` turns each into a `finding` (through `compare`,
by the launch's `rules`), `writers` hand batches to a `record`er, which writes them in the transaction of
`store.batch`, with the sums of `fold`; what is stored of an exchange goes through `masking`. One comparator at a time
is the `leader`: its duties are the `mirror` of control state, the `producers`' counters, the apps' route `tables`,
the `judge`, who reads `windows`, the learning of `noise`, the `gaps` detector and the `janitor`; its `courier` tells
of promotions and rollbacks. `judging` is what the judge decides by, `evidence` the statistics under it: both are
pure.
"""
