"""The simulated company itself: create it, let days pass, look at its records."""

from ingestion.sandbox.world.world import TABLES, OtherFormatError, World

__all__ = ["TABLES", "OtherFormatError", "World"]
