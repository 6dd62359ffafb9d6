"""The loading engine: what all sources share between reading records and raw tables.

`reports` say what a source is given and hands back, `state` what earlier loads left. `intake` takes
an API's records and `rows` types them; `versions` and `delta` tell what is new, `guards` what
cannot be right, `exports` what a load is on record with; `api_load` does all of it for an API.
`appending` writes it down, and `moments` say when.
"""
