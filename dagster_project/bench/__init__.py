"""What runs take, measured."""
