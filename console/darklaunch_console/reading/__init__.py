"""Commands that look at the evidence and change nothing."""
