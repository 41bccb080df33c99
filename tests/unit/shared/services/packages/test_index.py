"""The feed of changes shows what its reader may see, and does not tell when the rest happened."""

from collections.abc import Collection, Sequence
from typing import cast

from shared.auth.authorization import Authorization
from shared.domain.names import Coordinate, Package
from shared.domain.packages import Head, Survey, Visibility
from shared.domain.principals import ANONYMOUS, Principal
from shared.domain.records import Event
from shared.domain.sparse_index import index_file
from shared.ports import MetadataStore
from shared.services.packages.derived_data import DocumentCache
from shared.services.packages.index import CHANGES_READ, PackageChanges, PackageIndex
from tests.fakes.readers import known_readers
from tests.fakes.stores import FakeDirectory, FakeEvents
from tests.fakes.system import FakeClock
from tests.support.surveys import survey


class Packages:
    """The packages of a test."""

    def __init__(self, *surveys: Survey) -> None:
        self.surveys = {each.head.package.key: each for each in surveys}
        self.asked = 0

    async def survey(
        self, packages: Sequence[Package], _versions: Collection[Coordinate] = ()
    ) -> list[Survey | None]:
        self.asked += 1
        return [self.surveys.get(package.key) for package in packages]

    async def packages(self, after: str, count: int) -> list[Head]:
        keys = sorted(key for key in self.surveys if key > after)
        return [self.surveys[key].head for key in keys[:count]]


PUBLIC = survey("1.0.0")
PRIVATE = survey("1.0.0", package="acme/secret", visibility=Visibility.PRIVATE)


def feed(*subjects: str) -> FakeEvents:
    """Return a feed of publications, in which `-` stands for what is no package."""
    return FakeEvents([event(number, subject) for number, subject in enumerate(subjects)])


def event(number: int, subject: str) -> Event:
    """Build an event."""
    kind = "token.issued" if subject == "-" else "release.published"
    return Event(id=str(number), kind=kind, at_ms=number, actor="ann", subject=f"{subject}:1.0.0")


def service(events: FakeEvents, packages: Packages | None = None) -> PackageIndex:
    """Return the service over a public and a private package."""
    metadata = cast("MetadataStore", packages or Packages(PUBLIC, PRIVATE))
    authorization = Authorization(FakeDirectory(), FakeClock(), known_readers())
    return PackageIndex(
        authorization=authorization,
        metadata=metadata,
        events=events,
        files=DocumentCache(index_file),
    )


async def changes(
    events: FakeEvents, since: int = 0, count: int = 100, by: Principal = ANONYMOUS
) -> tuple[list[int], int]:
    """Return the numbers of the changes that are shown, and the number to go on from."""
    found: PackageChanges = await service(events).changes(since, count, by=by)
    return [each.number for each in found.changes], found.next


GREET, SECRET = "acme/greet", "acme/secret"


async def test_however_much_is_hidden_a_reader_gets_past_it() -> None:
    events = feed(*[SECRET] * CHANGES_READ, GREET)
    assert await changes(events) == ([], CHANGES_READ)
    assert await changes(events, since=CHANGES_READ) == ([CHANGES_READ + 1], CHANGES_READ + 1)
