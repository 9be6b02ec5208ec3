"""Parts of every process: shutdown, supervision, back-off, safe logging, crash points."""
