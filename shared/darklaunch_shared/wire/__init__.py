"""Everything that travels over Redis: what is packed, and how it is read back."""
