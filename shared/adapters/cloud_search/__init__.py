"""Search in the cloud: an index that is built once, and searched by every instance on its own copy.

index.py   the SearchIndex port over the copy that an instance searches, with the latest changes
feed.py    the SearchFeed port: a new base when the current one is old
copies.py  a copy of the index as a file of this machine, and the folder of a process for its copies
parts.py   what is in Blob Storage: the pointer and the base"""
