"""The rules of a launch: looking at them, changing them, and trying them before they are applied."""
