"""company.yml: what it may say, how it is read, and what is told where it is wrong."""
