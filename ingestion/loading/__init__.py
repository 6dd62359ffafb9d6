"""The loading engine: what all sources share between reading records and raw tables.

`reports` and `context` say what a source is given and hands back, `state` what earlier loads left,
`versions` and `delta` what is new, `guards` what cannot be right, `appending` writes it down, and
`moments` say when.
"""
