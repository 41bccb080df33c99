"""Organizations as they are stored, the owners of their names, and the texts of their profiles."""

import re
from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from shared.domain.entities import Entity, Place
from shared.domain.errors.base import InvalidRequest
from shared.domain.packages import RequiredProvenance
from shared.domain.publishing_rules import OrganizationRules
from shared.domain.records import Record
from shared.domain.rules.quota_rule import OrganizationUsage
from shared.domain.text_lines import MAX_DESCRIPTION, MAX_DISPLAY_NAME, parse_line
from shared.domain.visibility import Visibility

MAX_LINKS = 5  # Links of one organization; its page shows them in one line.
MAX_LINK_LENGTH = 200
# The address of a web page: no name or password before the host, and nothing that HTML escapes.
_LINK = re.compile(r"https://[A-Za-z0-9.-]+(?::\d{1,5})?(?:/[A-Za-z0-9._~!$()*+,;=:@%/?#-]*)?")


class Freeze(Record):
    """Administrators froze an organization or a package; its members read the reason."""

    at_ms: int
    by: str
    reason: str


class FrozenPackage(Record):
    """A package of an organization that is frozen, by its name in lower case."""

    name: str
    freeze: Freeze


class Organization(Entity):
    """The owner of packages. `name` keeps its first spelling and never changes."""

    kind: ClassVar[str] = "organization"

    id: str = ""  # Never changes; tokens refer to it.
    name: str
    founder: str
    created_ms: int
    display_name: str = ""
    description: str = ""
    links: tuple[str, ...] = ()  # Pages about it, which its public page lists.
    default_visibility: Visibility = Visibility.PUBLIC  # Where the archive says nothing.
    requires_provenance: RequiredProvenance = RequiredProvenance.NOTHING
    deleting_ms: int | None = None  # When it is deleted, unless that is undone before.
    bursts_until_ms: int = 0  # Until then burst detection is off.
    upstream: str = ""  # The registry that its name was moved to; nothing is published in it.
    continued_as: str = ""  # The organization that continues it; it takes no new packages.
    freeze: Freeze | None = None  # While it is frozen, nothing in it changes.
    resembles: str = ""  # The popular name that it could be confused with, until it is accepted.
    frozen_packages: tuple[FrozenPackage, ...] = ()
    # For what is published in it.
    rules: OrganizationRules = Field(default_factory=OrganizationRules)
    usage: OrganizationUsage | None = None  # As a task counted it; None before it did.

    def freeze_of(self, package: str) -> Freeze | None:
        """Return the freeze of a package, whether the organization is frozen or not."""
        found = (each.freeze for each in self.frozen_packages if each.name == package.lower())
        return next(found, None)

    @property
    def key(self) -> str:
        return self.name.lower()

    @property
    def is_hidden(self) -> bool:
        """Whether only members may know that it exists."""
        return self.default_visibility is Visibility.PRIVATE

    def is_deleted_at(self, now_ms: int) -> bool:
        """Check whether it is deleted at that time; while its record stays, its name is taken."""
        return self.deleting_ms is not None and now_ms >= self.deleting_ms

    @property
    def place(self) -> Place:
        return organization_place(self.name)


def organization_place(org: str) -> Place:
    return Place(org.lower())


class NameOwner(Entity):
    """Which registry the name of an organization belongs to: this one, or an upstream.

    It is created once: with the organization, in one write, or with the first release that is
    mirrored. So one of two that happen at the same time fails.
    """

    kind: ClassVar[str] = "name-owner"

    org: str
    upstream: str = ""  # Empty: the name is ours, also after its organization was deleted.
    since_ms: int

    @property
    def place(self) -> Place:
        """The place is in the organization's partition, so both are added at once."""
        return name_owner_place(self.org)


def name_owner_place(org: str) -> Place:
    return Place(org.lower(), "name-owner")


class NameSkeleton(Entity):
    """One of two skeletons of an organization's name, by which look-alikes are found."""

    kind: ClassVar[str] = "look-alike"

    org: str
    skeleton: str

    @property
    def place(self) -> Place:
        """The place is in the organization's partition, so both are added at once."""
        return Place(self.org.lower(), self.skeleton)

    @property
    def subject(self) -> str:
        return self.skeleton


def parse_display_name(text: str) -> str:
    """Return `text` as a display name, which may be empty, or raise `InvalidRequest`."""
    return parse_line("display name", text, MAX_DISPLAY_NAME)


def parse_description(text: str) -> str:
    """Return `text` as a description, which may be empty, or raise `InvalidRequest`."""
    return parse_line("description", text, MAX_DESCRIPTION)


def parse_links(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the addresses of pages about an organization, or raise `InvalidRequest`."""
    links = tuple(dict.fromkeys(each.strip() for each in texts if each.strip()))
    if len(links) > MAX_LINKS:
        message = f"An organization has at most {MAX_LINKS} links; these are {len(links)}."
        raise InvalidRequest(message)
    for each in links:
        if len(each) > MAX_LINK_LENGTH or not _LINK.fullmatch(each):
            message = (
                f"{each[:80]!r} is not the address of a web page: write https:// and the host, "
                f"with at most {MAX_LINK_LENGTH} characters."
            )
            raise InvalidRequest(message)
    return links
