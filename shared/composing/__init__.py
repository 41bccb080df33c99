"""Every service, put together once over a choice of adapters: each module adds to the one below.

world.py        one choice of adapter for every port
foundations.py  what all others lean on: rights, records, letters, limits, keys of others
sign_in.py      what signs people in
people.py       accounts, organizations, tokens
packages.py     publishing, reading, moderation
whole.py        upkeep, and the registry
"""
