"""Verify that verdicts keep their error rates: seeded simulations, each beside what is usually done instead."""
