"""What protects a shadow from its replays: slots, a rate, circuit breakers."""
