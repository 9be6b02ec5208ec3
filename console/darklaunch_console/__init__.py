"""The operator's part: commands, embedded servers, demo."""
