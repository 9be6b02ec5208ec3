"""Drawings of the server: where the shapes of an SVG stand. Pure. Widths are percentages of the drawing."""
