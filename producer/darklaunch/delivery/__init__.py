"""What happens in the delivery thread: read the launches, send recordings and counters to Redis."""
