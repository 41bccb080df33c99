"""The Settings.toml of `bal` for this registry: an entry to publish and pull by name, and the other
ways to use the registry as comments.
"""

import json
from enum import Enum

TOKEN_PLACEHOLDER = "put-your-access-token-here"  # noqa: S105 - no secret.
REPOSITORY = "ballroom"  # What follows --repository=, as the file below calls it.

_TEXT = """\
# How `bal` uses the registry at {url}.
# Copy this file to ~/.ballerina/Settings.toml, or to the folder that BALLERINA_HOME_DIR names. If
# that file exists, add the entry below to it. Keep it private, as you would a password.

# To publish: bal push --repository=ballroom
# To pull a package: bal pull acme/greet:1.0.0 --repository=ballroom
[[repository.maven]]
# What follows --repository=, and `repository =` of a dependency in Ballerina.toml.
id = "ballroom"
# The Maven repository of this registry.
url = "{url}/2.0/maven"
# Any word, but not an empty one: with an empty username `bal` sends no credentials.
username = {username}
# Sent to this registry only, when it asks for credentials.
accesstoken = {token}
# {reading}
proxyCentral = false
{proxy}
# The entries below are switched off. To use one, remove the comment sign of each of its lines.

{switched_off}# For networks in which this registry replaces Ballerina Central by its DNS name:
# {url}/docs/clients-behind-proxies
# In other networks `bal` would send the token to Ballerina Central, which refuses every request
# with an unknown token.
#
# [central]
# accesstoken = {token}

# For networks that reach this registry by an HTTP proxy.
#
# [proxy]
# host = "proxy.example.com"
# port = 3128
# username = ""
# password = ""
"""

_PROXY = """\
[[repository.maven]]
id = "ballroom-central"
url = "{url}/2.0/maven"
username = {username}
accesstoken = {token}
proxyCentral = true
"""
_PROXY_OFF = """\
# Reads everything from this registry and nothing from Ballerina Central: bal build, bal pull,
# bal search, bal tool and the language server, from 2201.13 on. This registry has no copies of the
# packages of Central: builds that need one, such as ballerinax/mysql, fail with this entry.
#
"""
_PROXY_ON = """
# Reads everything from this registry, which mirrors the packages of another one, and nothing from
# Ballerina Central: bal build, bal pull, bal search, bal tool and the language server, from 2201.13
# on. The lines are indented, so that a script finds one `accesstoken` at the beginning of a line.
"""


class Reading(Enum):
    """Which packages clients read from a registry; the text is a comment in the file."""

    NAMED = (
        "`bal` reads from this registry what names it, and all other packages from Ballerina "
        "Central."
    )
    EVERYTHING = "Only one entry may be the proxy of Ballerina Central: the next one is."


def client_settings(
    base_url: str, username: str, token: str = TOKEN_PLACEHOLDER, reading: Reading = Reading.NAMED
) -> str:
    """Return the file for a user of the registry at `base_url`.

    Only one `accesstoken` is at the beginning of its line, so that a script finds it without a TOML
    parser.
    """
    values = {"url": base_url, "username": _string(username), "token": _string(token)}
    lines = _PROXY.format(**values).splitlines()
    proxy = switched_off = ""
    if reading is Reading.EVERYTHING:
        proxy = _PROXY_ON + "".join(map(_indented, lines))
    else:
        switched_off = _PROXY_OFF + "".join(f"# {line}\n" for line in lines) + "\n"
    return _TEXT.format(**values, reading=reading.value, proxy=proxy, switched_off=switched_off)


def _indented(line: str) -> str:
    return f"{line}\n" if line.startswith("[") else f"  {line}\n"


def _string(text: str) -> str:
    """Return a quoted string; a JSON string is a TOML string."""
    return json.dumps(text)
