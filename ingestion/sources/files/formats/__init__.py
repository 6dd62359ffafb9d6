"""Files of each format as tables of text, with where their rows stand and what is broken."""
