"""What commands do to launches."""
