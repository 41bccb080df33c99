"""Search in the cloud: an index that is built once, and searched by every instance on its own copy.

index.py   the SearchIndex port over the copy that an instance searches, renewed in the background
feed.py    the SearchFeed port: changed listings into the delta, and a new base when that has grown
copies.py  a copy of the index as a file of this machine, and the folder of a process for its copies
parts.py   what is in Blob Storage: the pointer, the base and the delta"""
