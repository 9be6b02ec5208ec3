"""Launch state on Redis: publishing it, holding a launch, knowing which launches exist."""
