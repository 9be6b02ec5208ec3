"""Compare, record, judge."""
