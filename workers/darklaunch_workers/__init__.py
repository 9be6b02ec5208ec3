"""Replay pool: sends captured requests to the shadow."""
