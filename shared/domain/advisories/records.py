"""What is stored of advisories: each that is written here or imported alone, and of each imported
set what is known of its file.

All of them have one owner, so that an advisory is added together with its number.
"""

from typing import ClassVar, Self

import msgspec

from shared.domain.advisories.advisories import Advisory, AdvisoryState
from shared.domain.entities import Entity, Place

# All records of advisories have this owner; the directory stores each kind separately.
OWNER = "advisories"


class StoredAdvisory(Entity):
    """An advisory that is no part of an imported set. Its fields are in `content`, as JSON."""

    kind: ClassVar[str] = "advisory"

    id: str
    # The key of an organization; empty for advisories of the operator and imported ones.
    org: str = ""
    state: AdvisoryState
    content: str

    @classmethod
    def of(cls, advisory: Advisory) -> Self:
        return cls(
            id=advisory.id, org=advisory.org, state=advisory.state, content=encoded(advisory)
        )

    def with_content(self, advisory: Advisory) -> Self:
        return self.model_copy(update={"state": advisory.state, "content": encoded(advisory)})

    @property
    def place(self) -> Place:
        return Place(OWNER, self.id)

    @property
    def subject(self) -> str:
        """The organization, so that its advisories can be listed."""
        return self.org

    @property
    def advisory(self) -> Advisory:
        return decoded(self.content)


class AdvisoryNumber(Entity):
    """The last number of a year; the write that adds an advisory replaces it."""

    kind: ClassVar[str] = "advisory-number"

    year: int
    number: int

    @property
    def place(self) -> Place:
        return Place(OWNER, str(self.year))


class AdvisorySet(Entity):
    """An imported set, whose file is replaced as a whole; replacing this record commits it."""

    kind: ClassVar[str] = "advisory-set"

    name: str
    file: str  # The name of its file, which is never changed.
    records: int
    left_out: int = 0  # Records about other ecosystems than this registry's and Maven's.
    refused: tuple[str, ...] = ()  # The first of those that could not be read, with the reasons.
    source: str = ""  # An address, or the name of a file.
    tag: str = ""  # The ETag of the address.
    imported_ms: int
    tried_ms: int  # When the address was last requested.
    failure: str = ""  # Why the last request failed; empty if it did not.

    @property
    def place(self) -> Place:
        return Place(OWNER, self.name)


class AdvisoryChange(Entity):
    """A text that differs after each change of an advisory or set, so that a process asks for
    nothing else while nothing changes."""

    kind: ClassVar[str] = "advisory-change"

    text: str

    @property
    def place(self) -> Place:
        return ADVISORY_CHANGE


ADVISORY_CHANGE = Place(OWNER, "last")

# The detail of the event of an imported set that names records about packages of this registry.
ADDED_ADVISORIES = "advisories"
# The advisories of one imported set that mails name; a set may add thousands of records.
MAX_ADDED_TOLD = 50


def encoded(advisory: Advisory) -> str:
    return msgspec.json.encode(advisory).decode()


def decoded(content: str | bytes) -> Advisory:
    return msgspec.json.decode(content, type=Advisory)
