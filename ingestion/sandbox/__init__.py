"""A simulated B2B software company: its world, its truth, its systems' HTTP APIs."""
