"""The loading engine: what all sources share between reading records and raw tables.

`reports` say what a source is given and hands back, `state` what earlier loads left. `intake` takes
an API's records and `rows` types them; `versions` and `delta` tell what is new, `guards` what
cannot be right, `exports` what a load is on record with; `api_load` does all of it for an API,
which `api_check` asks what can be told in a request or two.
`appending` writes it down, and `moments` say when.
"""
