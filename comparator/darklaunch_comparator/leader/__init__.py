"""The duties of the one comparator that leads: judging, control sync, accounting, clean-up."""
