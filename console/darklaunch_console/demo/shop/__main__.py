"""Start the shop."""

from .serve import main

main()
