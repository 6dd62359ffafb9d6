"""What connectors of advertising platforms share: settings, raw tables, and the frame of a load.

Platforms restate the past for weeks, so a load reads a window of days again, account by account. A
connector is an `AdsReader` that says what the platform has of an account and of days of it;
`extract` and `check` of `extraction` do the rest. It is no type of source itself.
"""
