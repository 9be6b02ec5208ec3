"""The contract between the parts: names, entries, scripts, control state."""
