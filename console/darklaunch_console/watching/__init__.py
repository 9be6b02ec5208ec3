"""`watch`: a launch as it is judged, live: look (reads), frame (lays out), command (shows)."""
