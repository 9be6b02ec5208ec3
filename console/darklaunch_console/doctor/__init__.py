"""Checks of servers, processes and launches."""
