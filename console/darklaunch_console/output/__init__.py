"""How figures, tables and text look, on a terminal, in a pipe and as JSON."""
