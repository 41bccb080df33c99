"""Cosmos DB keeps the metadata of a registry in the cloud.

connecting.py  one client a process, its deadline and what may be repeated
items.py       records as items, and their versions
directory.py · events.py · metadata.py · surveys.py · work.py · pulls.py   the ports
listings.py    what each package shows to searches, and the feed of it
"""
