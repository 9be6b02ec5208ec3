"""One exchange replayed: from its entry on the stream to its outcome."""
