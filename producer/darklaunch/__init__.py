"""Capture hook: what a web app imports."""
