"""The contract between the parts: names, entries, scripts, launch states."""
