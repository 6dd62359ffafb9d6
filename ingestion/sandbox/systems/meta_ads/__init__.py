"""Meta's Marketing API over a world."""
