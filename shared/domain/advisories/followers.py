"""Who asked to be told of advisories about what their packages depend on, and what they were told.

Everything is told once: an advisory, of one package.
"""

from collections.abc import Iterable
from typing import ClassVar, Self

from shared.domain.entities import Entity, Place

FOLLOWER_KEY = "advisories"
# Findings kept for one owner. The oldest are dropped, and would be reported again.
MAX_TOLD = 5_000
_SEPARATOR = ">"  # No package and no id of an advisory contains it.


def finding_key(package_key: str, advisory: str) -> str:
    return f"{package_key}{_SEPARATOR}{advisory}"


class _Told(Entity):
    told: tuple[str, ...] = ()  # As `finding_key`, in the order in which they were told.

    def new(self, keys: Iterable[str]) -> list[str]:
        """Return those of the findings that were not told yet."""
        known = set(self.told)
        return [each for each in dict.fromkeys(keys) if each not in known]

    def having_told(self, keys: Iterable[str]) -> Self:
        told = (*self.told, *self.new(keys))
        return self.model_copy(update={"told": told[-MAX_TOLD:]})


class AdvisoryFollower(_Told):
    """An account that gets mail about advisories for the packages of its organizations."""

    kind: ClassVar[str] = "advisory-follower"

    account: str
    since_ms: int

    @property
    def place(self) -> Place:
        return follower_place(self.account)


class ToldOrganization(_Told):
    """An organization whose webhooks get events about advisories for its packages."""

    kind: ClassVar[str] = "advisory-told"

    org: str

    @property
    def place(self) -> Place:
        return Place(self.org.lower(), FOLLOWER_KEY)


def follower_place(account_id: str) -> Place:
    return Place(account_id, FOLLOWER_KEY)


class AdvisoryQuarantine(Entity):
    """That a release was quarantined for an advisory: if an administrator restores it, it is not
    quarantined for the same one again."""

    kind: ClassVar[str] = "advisory-quarantine"

    release: str  # Such as `acme/greet:1.0.0`.
    advisory: str
    at_ms: int

    @property
    def place(self) -> Place:
        return quarantine_place(self.release, self.advisory)


def quarantine_place(release: str, advisory: str) -> Place:
    return Place(release.lower().replace("/", ":"), advisory)
