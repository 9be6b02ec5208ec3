"""Commands that run the parts."""
