"""Names of domains, and the record by which an organization proves that one is its own."""

import re
from typing import NewType

from shared.domain.errors import InvalidRequest

DomainName = NewType("DomainName", str)

MAX_DOMAIN_LENGTH = 240  # 253 at most, and the name of the record stands before it.

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# The last label begins with a letter: 127.0.0.1 is an address, and nobody's domain.
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?")


def parse_domain(text: str) -> DomainName:
    """Return `text` as a domain in lower case, or raise `InvalidRequest`."""
    name = text.strip().removesuffix(".").lower()
    if len(name) > MAX_DOMAIN_LENGTH or not _DOMAIN.fullmatch(name):
        message = (
            "That is no domain. Write it as example.org, and one with other letters in its "
            "encoded form, which begins with xn--."
        )
        raise InvalidRequest(message)
    return DomainName(name)


def record_name(domain: DomainName) -> str:
    """Return where the proof is looked for: beside the domain, out of the way of others."""
    return f"_ballroom.{domain}"


def record_text(challenge: str) -> str:
    """Return what the record says."""
    return f"ballroom-verification={challenge}"
