"""`python -m darklaunch_console` is the command `darklaunch`."""

from .cli.main import main

if __name__ == "__main__":
    main()
