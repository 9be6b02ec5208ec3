"""The command line itself: program, arguments, settings, errors."""
