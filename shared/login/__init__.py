"""Device login of a laptop: requesting an access token, and writing it to the settings of `bal`.

These modules use only the standard library and run on Python 3.9, because the registry serves them
as one file, `/login.py`, to people who have none of its packages. `shared.login.script` builds that
file.
"""
