"""Rows of files as rows of an entity: columns picked, cast, checked against the contract."""
