"""What happens inside a request: sample it, record it, serialize it."""
