"""Names of domains, and the record by which an organization proves that one is its own."""

import re
from collections.abc import Iterable
from typing import ClassVar, NewType

from shared.domain.entity import Entity, Place
from shared.domain.errors import InvalidRequest

DomainName = NewType("DomainName", str)

MAX_DOMAIN_LENGTH = 240  # 253 at most, and the name of the record stands before it.
MAX_DOMAINS = 20  # Of an organization: each is asked for again every night.
CHALLENGE_LENGTH = 32  # Base62: nobody sets it by chance.

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


class Domain(Entity):
    """A domain that an organization claims, and since when the proof of it is known."""

    kind: ClassVar[str] = "domain"

    org: str
    domain: str
    challenge: str
    created_ms: int
    verified_ms: int | None = None

    @property
    def place(self) -> Place:
        """Return its place among the organization's domains."""
        return place_of_domain(self.org, self.domain)

    def is_proven_by(self, texts: Iterable[str]) -> bool:
        """Say whether one of the records is the proof."""
        wanted = record_text(self.challenge)
        return any(text.strip() == wanted for text in texts)


def place_of_domain(org: str, domain: str) -> Place:
    """Return the place of a domain among those of an organization."""
    return Place(org.lower(), domain)
