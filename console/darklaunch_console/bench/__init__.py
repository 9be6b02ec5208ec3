"""What the hook costs a user's own app."""
