"""Boards whose mark is their own: a query on the published file, its picture and its words."""
