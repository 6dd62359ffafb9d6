"""A published number, and what it follows from."""
