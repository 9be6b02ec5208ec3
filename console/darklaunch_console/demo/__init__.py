"""The demo: a dark launch of a shop, told on real servers with real traffic."""
