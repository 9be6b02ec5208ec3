"""What happens inside a request: sample it, record it, write it down."""
