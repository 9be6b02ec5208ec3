"""Compare, record, judge: from the stream of replays to evidence in Postgres.

`run` keeps a `lane` for each launch shard: it reads entries, `assess` turns each into a `finding` (through `compare`),
`writers` hand batches to a `record`er, which writes them in the transaction of `store.batch`, with the sums of `fold`.
One comparator at a time is the `leader`: its duties are the `mirror` of control state, the `producers`' counters, the
`gaps` detector and the `janitor`. `evidence` is the statistics of the verdict, pure functions of counts.
"""
