"""The truth of a simulated company: what its KPIs must be, from its event log and nothing else."""
