"""The hot path: from a stream entry to a recorded result."""
