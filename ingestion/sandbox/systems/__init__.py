"""The simulated company's systems: APIs in the shapes of the vendors' own, and a database."""
