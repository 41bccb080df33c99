"""One-time links, which sign somebody in or invite somebody.

The code of a link is its fragment, which browsers send to no server, so no log of requests has it.
The page of the link posts it (docs/decisions/0107).
"""

from datetime import timedelta

from shared.domain.tokens import hash_secret

SIGN_IN_LINK_LIFETIME = timedelta(hours=1)  # Time to read the output of a first start.

SIGN_IN_LINK_PATH = "/sign-in/link"
INVITATION_PATH = "/account/invitations"

OUTDATED_PREFIXES = tuple(f"{path}/" for path in (SIGN_IN_LINK_PATH, INVITATION_PATH))


def one_time_link(base_url: str, path: str, code: str) -> str:
    return f"{base_url}{path}#{code}"


def code_of(text: str) -> str:
    """Return the code that somebody typed, or that of the link that they pasted."""
    return text.rpartition("#")[2].strip()


def code_hash(code: str) -> str:
    """Return the hash by which the code is stored.

    Links of version 0.3.0 and earlier had the code in their path, where logs of requests keep it.
    Those codes were hashed without the sign, so they are not valid any more.
    """
    return hash_secret(f"#{code}")


def is_outdated_link(path: str) -> bool:
    """Check whether the path is that of a link with its code in the path."""
    return path.lower().startswith(OUTDATED_PREFIXES)
