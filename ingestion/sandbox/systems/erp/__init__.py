"""The sandbox's ERP: a PostgreSQL database of the company's finance, in tables of its own shape."""
