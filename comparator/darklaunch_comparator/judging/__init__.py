"""Deciding about a launch. Pure: exchanges in order of time go in, verdicts come out.

policy     what the operator allows: budgets, error rates, steps
document   the policy as a document that people write, checked
"""
