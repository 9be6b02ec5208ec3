"""Deciding about a launch. Pure: exchanges in order of time go in, decisions come out.

window                exchanges, cut into windows of ten seconds and those into blocks
launch_evidence       all that is known of a launch, build by build; `build_evidence`, endpoint by endpoint
endpoint_evidence     one log E per guard: `rate_evidence` (what has a budget), `latency_evidence`
outage                a shadow that does not respond at all
beyond_noise          places in responses that differ more than their own noise
decision              from evidence to a verdict and the one move it asks for
explain, summary      the verdict in sentences, and with all it rests on as JSON values
policy, policy_file   the limits a launch is judged by, and how people write them
fingerprint           what evidence depends on: when it changes, judging starts over
"""
