"""Deciding about a launch. Pure: exchanges in order of time go in, verdicts come out.

policy      what the operator allows: budgets, error rates, steps
document    the policy as a document that people write, checked
window      exchanges, cut into windows of ten seconds and those into blocks
case        what is known of a launch: a `trial` for each build of its shadow, a `scope` for each endpoint of a trial
rates       within a scope: the rates that have budgets
latencies   within a scope: whether the shadow is slower
places      where answers differ more than by their own noise
decision    from evidence to a verdict, and to the one thing that may be done now
snapshot    everything a verdict rests on, as JSON values; `words` has the sentences
"""
