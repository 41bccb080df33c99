"""Signing in a laptop: asking for a token, and putting it into the settings of `bal`.

These modules use the standard library alone and run on Python 3.9, because the registry hands them
out as one file, `/login.py`, to people who have nothing else of it. `shared.login.script` puts that
file together.
"""
