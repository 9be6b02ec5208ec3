"""`bench`: what the hook costs a user's own app, on the user's own machine."""
