"""The recipes of CONTRIBUTING.md, performed as they stand there: `python -m tests.recipes`."""
