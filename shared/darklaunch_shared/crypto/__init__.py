"""Keys, sealed credentials, signed entries."""
