"""Ids of accounts, organizations, tokens and publishers."""

import re

# Accounts and organizations have ids of this length; so have tokens and publishers.
ID_LENGTH = 10

_ID = re.compile(rf"[0-9A-Za-z]{{{ID_LENGTH}}}")


def is_id(text: str) -> bool:
    """Check whether `text` has the form of the id of an account, organization or token."""
    return _ID.fullmatch(text) is not None
