"""The Settings.toml of `bal` for this registry: every way to use it, with a comment for each
line.
"""

import json

TOKEN_PLACEHOLDER = "put-your-access-token-here"  # noqa: S105 - no secret.
REPOSITORY = "ballroom"  # What follows --repository=, as the file below calls it.

_TEXT = """\
# How `bal` uses the registry at {url}.
# It goes to ~/.ballerina/Settings.toml, or to the folder that BALLERINA_HOME_DIR names.
# Keep it to yourself once it holds an access token. docs/clients.md tells more.

# For clients that speak the API of Ballerina Central, which is at {url}/2.0/registry.
# The environment variable BALLERINA_CENTRAL_ACCESS_TOKEN comes before this.
[central]
# Sent by `bal push` without --repository and by `bal deprecate`.
accesstoken = {token}

# To publish: bal push --repository=ballroom
# To pull one package: bal pull acme/greet:1.0.0 --repository=ballroom
[[repository.maven]]
  # What follows --repository=, and `repository =` of a dependency in Ballerina.toml.
  id = "ballroom"
  # The Maven repository of this registry.
  url = "{url}/2.0/maven"
  # Any word will do; with an empty one no credentials are sent.
  username = {username}
  # The same token; sent only where the registry asks for it.
  accesstoken = {token}
  # This entry is asked only for what names it.
  proxyCentral = false

# To read everything by this registry, and nothing by Ballerina Central: bal build, bal pull,
# bal search, bal tool and the language server, from 2201.13 on. There is no way back to Central
# for what is not here; take this entry out to build with packages of Central.
[[repository.maven]]
  # A name for messages; one entry at most may be a proxy of Central.
  id = "ballroom-central"
  # The same repository; these clients ask it by other paths.
  url = "{url}/2.0/maven"
  # As above; credentials are needed for private packages alone.
  username = {username}
  # The same token.
  accesstoken = {token}
  # Everything that would be read from Central is read here.
  proxyCentral = true

# Where the way to this registry leads through a proxy, take the comment signs off.
# [proxy]
# host = "proxy.example.com"
# port = 3128
# username = ""
# password = ""
"""


def client_settings(base_url: str, username: str, token: str = TOKEN_PLACEHOLDER) -> str:
    """Return the file for a user of the registry at `base_url`.

    Only the first `accesstoken` is at the beginning of its line, so that a script finds it without
    a TOML parser.
    """
    return _TEXT.format(url=base_url, username=_string(username), token=_string(token))


def _string(text: str) -> str:
    """Return a quoted string; a JSON string is a TOML string."""
    return json.dumps(text)
