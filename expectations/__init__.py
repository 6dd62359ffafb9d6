"""The audit: what raw data and marts must hold before anything is published."""
