"""What is stored of the API documentation of a release, besides the documents of its modules."""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Annotated, ClassVar

from msgspec import Struct
from pydantic import Field

from shared.domain.api_docs.item_summaries import NO_API, ApiSummary
from shared.domain.api_docs.pieces import PiecesPointer
from shared.domain.coordinates import Coordinate, release_place
from shared.domain.entities import Entity, Place
from shared.domain.packages import ReleaseEntry
from shared.domain.records import Record
from shared.domain.versions import Version

# Documentation by a lower version of the generator is made again.
GENERATOR_VERSION = 11


class DocsState(Enum):
    """How far the documentation of a release is."""

    PENDING = "pending"  # The queue has not come to it yet.
    DONE = "done"
    PARTIAL = "partial"  # Some lines could not be read; `unread` says which.
    FAILED = "failed"  # None could be made; `reason` says why.


class ReadmeContent(Enum):
    """What the readme of a release has."""

    NOTHING = "nothing"
    TEXT = "text"
    EXAMPLE = "example"  # A block of code.


class UnreadLines(Record):
    """Lines of a module's file that are not documented, and why."""

    module: str
    file: str
    first: int
    last: int
    reason: str


class OtherRelease(Record):
    """A release of another package, which the dependency graph names."""

    org: str
    name: str
    version: str

    @property
    def coordinate(self) -> Coordinate:
        return Coordinate.parse(self.org, self.name, self.version)


class SecretPlace(Record):
    """Where a file of the archive has what looks like a secret."""

    path: str
    line: int
    form: str  # Such as `a private key`.


class ApiDocsRecord(Record):
    """The state of the documentation of a release, and what it says on the whole.

    `documented` of `declarations` public declarations, methods and fields have a comment. Records
    have fields of the releases that it `took` from, and lack those of the `awaited` ones.
    """

    state: DocsState
    generator: int  # The version that made it.
    modules: tuple[str, ...] = ()  # The modules that have a document.
    unread: tuple[UnreadLines, ...] = ()
    reason: str = ""
    documented: int = 0
    declarations: int = 0
    declared: int = 0  # Public declarations, without their members.
    readme: ReadmeContent | None = None  # None: not read, or by an earlier generator.
    api: ApiSummary = NO_API
    # The symbols by which developers find the release, as `pack_symbols` packs them.
    symbols: str = ""
    # What its comments and signatures mention, as `mentions_of` returns it.
    mentions: tuple[str, ...] = ()
    pieces: PiecesPointer | None = None
    files: int = 0  # The number of files in the archive.
    # When the release was set aside, if its process ended repeatedly.
    set_aside_ms: int | None = None
    # The pieces of the previous version; empty if there is none, None if unknown.
    before: str | None = None
    took: tuple[OtherRelease, ...] = ()
    awaited: tuple[OtherRelease, ...] = ()
    refused: Mapping[str, str] = {}  # The reason of each part that took too much, by its name.
    secrets: tuple[SecretPlace, ...] = ()  # The first ones in its files, for those who manage it.
    more_secrets: int = 0


MAX_EXAMPLES = 3  # Breaking changes that a sentence names.
ChangeText = Annotated[str, Field(max_length=200)]


class ApiVerdict(Entity):
    """The result of comparing a release with the version before it; it is derived data.

    `required` and `published` are the parts of the version that the changes require to be raised,
    and that the author raised: `major`, `minor` or `patch`.
    """

    kind: ClassVar[str] = "api-verdict"

    org: str
    name: str
    version: str
    compared_with: str
    required: str
    published: str
    changes: int
    breaking: int  # How many of the changes break callers.
    is_version_too_low: bool
    # The first changes that break callers, such as `removed function hello`; none of a verdict that
    # an earlier version gave.
    examples: tuple[ChangeText, ...] = Field(default=(), max_length=MAX_EXAMPLES)

    @property
    def place(self) -> Place:
        return release_place(Coordinate.parse(self.org, self.name, self.version))

    @property
    def part_to_raise(self) -> str:
        """The part that the author should have raised; before 1.0.0 a minor part is enough."""
        return "minor" if self.version.startswith("0.") else self.required


class ListedChange(Struct, frozen=True, rename="camel"):
    """A change of one symbol between two versions, as programs read it; signatures are short."""

    is_breaking: bool
    change: str  # Such as `removed method`.
    symbol: str  # The name of the symbol, after its module if that is not the default one.
    before: str
    after: str
    why: str


class ChangeList(Struct, frozen=True):
    """The changes between two versions, those that break callers first; more are `hidden`."""

    verdict: str
    breaking: int
    hidden: int
    changes: tuple[ListedChange, ...]


def earlier_release(entries: Iterable[ReleaseEntry], version: Version) -> ReleaseEntry | None:
    """Return the release that a version is compared with: the highest lower one, which is a stable
    one if there is any."""
    lower = [(parsed, entry) for entry in entries if (parsed := entry.parsed) < version]
    stable = [each for each in lower if each[0].is_stable]
    highest = max(stable or lower, key=lambda each: each[0].precedence, default=None)
    return highest and highest[1]
