"""Blob Storage keeps the bytes of a registry in the cloud.

connecting.py  one client a process, and what its errors mean
archives.py    the balas, on two sides
links.py       addresses of balas that whoever holds them may follow
documents.py   what is derived from them
"""
