"""The summary of a run: what a manager wants to see, read from what was published."""
