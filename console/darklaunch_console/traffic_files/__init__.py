"""Traffic files: requests with their responses or without, read one by one and mirrored as live traffic is."""
