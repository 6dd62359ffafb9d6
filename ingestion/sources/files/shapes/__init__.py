"""Shapes of exports that are not one row a record: what company.yml says of them, and the SQL.

Each step turns rows that were read into other rows, before they are mapped to canonical columns.
"""
