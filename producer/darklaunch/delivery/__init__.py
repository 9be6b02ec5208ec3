"""What happens in the background thread: read control state, take recordings to Redis."""
