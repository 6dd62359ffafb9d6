"""`make connector`: the empty connector of ingestion/sources/README.md, to be filled."""
