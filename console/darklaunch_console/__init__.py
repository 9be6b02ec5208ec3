"""The operator's seat: commands, embedded servers, demo."""
