"""The numbers of accounts, organizations, packages and releases of the registry."""

from collections.abc import Iterable, Sequence
from typing import Self

from shared.domain.accounts import Account
from shared.domain.entities import Entity
from shared.domain.organizations import Organization
from shared.domain.packages import Head, Release
from shared.domain.records import Record
from shared.domain.release_states import State
from shared.domain.visibility import Visibility


class RegistryCounts(Record):
    """The number of records, including private and withheld ones, without removed releases."""

    accounts: int = 0
    organizations: int = 0
    packages: int = 0
    private_packages: int = 0
    releases: int = 0
    public_releases: int = 0  # Live releases of public packages.
    withheld_releases: int = 0
    pulls: int = 0
    archive_bytes: int = 0

    @classmethod
    def of_package(cls, head: Head, releases: Iterable[Release]) -> Self:
        """Count one package with its releases; a name without releases counts as nothing."""
        kept = [each for each in releases if each.state is not State.REMOVED]
        if not kept:
            return cls()
        is_public = head.visibility is Visibility.PUBLIC
        live = sum(each.state is State.LIVE for each in kept)
        return cls(
            packages=1,
            private_packages=0 if is_public else 1,
            releases=len(kept),
            public_releases=live if is_public else 0,
            withheld_releases=sum(each.state in _WITHHELD for each in kept),
            pulls=head.pulls,
            archive_bytes=sum(each.size_bytes for each in kept),
        )

    @classmethod
    def of_entities(cls, entities: Sequence[Entity], now_ms: int) -> Self:
        organizations = [each for each in entities if isinstance(each, Organization)]
        return cls(
            accounts=sum(isinstance(each, Account) for each in entities),
            organizations=sum(not each.is_deleted_at(now_ms) for each in organizations),
        )

    def plus(self, other: Self) -> Self:
        theirs = other.model_dump(include=_COUNT_FIELDS)
        return self.model_copy(update={name: getattr(self, name) + theirs[name] for name in theirs})


class DatedCounts(Record):
    """The counts of a registry, and the time at which they were made."""

    census: RegistryCounts
    at_ms: int


_WITHHELD = {State.HELD, State.QUARANTINED}

_COUNT_FIELDS = set(RegistryCounts.model_fields) - set(Record.model_fields)
