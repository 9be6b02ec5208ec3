"""What is known of a launch, gathered and put into words."""
