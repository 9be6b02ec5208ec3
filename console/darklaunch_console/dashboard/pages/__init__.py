"""One module a page: what it reads, as a value that its template shows."""
