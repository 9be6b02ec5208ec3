"""The result of one exchange, and what results add up to."""
