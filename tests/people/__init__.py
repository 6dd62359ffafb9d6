"""What the numbers say of each rep, and whether they find what the simulated world gave them."""
