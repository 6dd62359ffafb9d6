"""A run's numbers beside those that are published, and their publication."""
