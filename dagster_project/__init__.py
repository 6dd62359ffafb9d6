"""What runs a company's pipeline; a room imports only itself and those above it here.

    publication   a publication in its folder: manifest, reading, the link; knows no run
    run           what a run does: lock, clock, moments, loads, dbt, logs
    numbers       what is published, number by number: headlines, findings, records behind each
    dashboard     pages of them for people's eyes
    publishing    its numbers beside those published before, and their publication
    instance      Dagster's own store: settings, databases, event log, launcher, runs on record
    defs          what Dagster is told: assets, checks, job, schedule, sensor
    definitions   the code location that they make
    execution     the job, executed in this process
    ui            Dagster's webserver behind a gate, and its daemon
    commands      run, check, explain, ui, and what they show
    bench         what runs take
    cli           the command line

Dagster is imported in the rooms from `instance` to `ui` alone, and ruff holds that. `instance` is
one of them because Dagster is its reason: it extends Dagster's classes, and mends its files.
"""
