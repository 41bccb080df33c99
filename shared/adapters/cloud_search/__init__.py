"""Search in the cloud: an index that is built once, and searched by every instance on its own copy.

pointer.py     which base and which delta are to be searched
deltas.py      what changed since the base was made
blobs.py       all of them in Blob Storage
workplaces.py  the folder that a process has for its copies
copies.py      a copy: the base as a file of this machine, with changes applied
feeding.py     changed listings into the delta, a new base when that has grown
looking.py     the copy that is searched, and its successors
index.py       the port
"""
