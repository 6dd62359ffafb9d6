"""What a run does, and what its steps share."""
