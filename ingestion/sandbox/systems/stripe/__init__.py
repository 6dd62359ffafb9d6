"""Stripe's API over a world."""
