"""Commands that read what is published."""
