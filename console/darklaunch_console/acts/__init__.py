"""What people do to a launch, the same from a command, a page and the API: what is refused, recorded and said of it."""
