"""Commands that change what a launch does."""
