"""The contract: the canonical entities, their types, and what follows from them."""
