"""Which entries are replayed: what the launch state orders, what its rules refuse, and whose signature is right."""
