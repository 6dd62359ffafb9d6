"""A simulated B2B software company: its world, its systems' HTTP APIs and exports, its service."""
