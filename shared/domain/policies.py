"""Policies: the words of the operator for the rules of a registry, in place of the default text."""

import unicodedata
from typing import ClassVar

from shared.domain.entities import Entity, Place
from shared.domain.errors.base import InvalidRequest

POLICY_OF_NAMES = "names"
MAX_POLICY_LENGTH = 20_000  # Characters; the text that comes with the registry has 3,000.

_OWNER = "policies"


class Policy(Entity):
    """The words of the operator for a policy, as Markdown."""

    kind: ClassVar[str] = "policy"

    name: str
    text: str
    changed_ms: int
    by: str

    @property
    def place(self) -> Place:
        return policy_place(self.name)


def policy_place(name: str) -> Place:
    return Place(_OWNER, name)


def parse_policy(text: str) -> str:
    """Return a policy as Markdown, or raise `InvalidRequest`."""
    plain = unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()
    if not plain:
        message = "The policy is empty. Write it as Markdown, or go back to the default text."
        raise InvalidRequest(message)
    if len(plain) > MAX_POLICY_LENGTH:
        message = (
            f"The policy has {len(plain):,} characters, and {MAX_POLICY_LENGTH:,} fit. Shorten it, "
            "and link to the rest."
        )
        raise InvalidRequest(message)
    return f"{plain}\n"
