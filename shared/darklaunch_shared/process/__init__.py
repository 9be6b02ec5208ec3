"""What every process of the product needs: shutdown, back-off, safe logging, crash points."""
