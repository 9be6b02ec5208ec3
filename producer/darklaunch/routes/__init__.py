"""Which endpoint a request belongs to, and which routes the app has."""
