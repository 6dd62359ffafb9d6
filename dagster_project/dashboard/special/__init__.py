"""Boards whose mark is their own: a query on the published file, a picture of its rows and words for both."""
