"""The only package that names adapters: what creates a registry, and what commands do beside it.

build.py         the registry over the adapters that the settings select
adapters.py      which adapter serves which port, on one machine and in the cloud
network.py       how other servers are reached
keys.py          where the keys of a registry are read
telemetry.py     what exports metrics and traces
data_folder.py   the data folder, which a registry in the cloud does not have
migration.py     the migration of the stores before a registry is served
serving.py       what a process that serves the data folder announces, requires and prepares
backups.py       backups, restores and recovery drills
key_rotation.py  new keys in the data folder
files.py         the files that commands write and read
checks.py        the checks of `doctor` that need an adapter
"""
