"""HTTP APIs of the simulated company's systems, in the shapes of the vendors' own."""
