"""The feed of changes shows what its reader may see, and does not tell when the rest happened."""

from collections.abc import Collection, Sequence
from typing import cast

from shared.domain.coordinates import Coordinate, Package
from shared.domain.events import Event
from shared.domain.packages import Survey
from shared.domain.principals import ANONYMOUS, Principal
from shared.domain.sparse_index import index_file
from shared.domain.visibility import Readers, Visibility
from shared.ports.metadata import MetadataStore, ReadCheck
from shared.services.packages.document_cache import DocumentCache
from shared.services.packages.sparse_index import CHANGES_READ, AdvisoryMarks, PackageIndex
from shared.services.packages.successors import Successors
from tests.fakes.stores import FakeDirectory, FakeEvents
from tests.fakes.system import FakeClock
from tests.support.services import authorization_over
from tests.support.surveys import checked, survey


class Packages:
    """A public and a private package."""

    async def survey(
        self,
        packages: Sequence[Package],
        _versions: Collection[Coordinate] = (),
        /,
        *,
        check: ReadCheck | None = None,
    ) -> list[Survey | None]:
        surveys = {each.head.package.key: each for each in (PUBLIC, PRIVATE)}
        return await checked([(each, surveys.get(each.key)) for each in packages], check)


PUBLIC = survey("1.0.0")
PRIVATE = survey("1.0.0", package="acme/secret", visibility=Visibility.PRIVATE)


def event(number: int, subject: str) -> Event:
    """Build a publication."""
    kind = "release.published"
    return Event(id=str(number), kind=kind, at_ms=number, actor="ann", subject=f"{subject}:1.0.0")


async def _unlimited(_: Principal) -> None:
    return None


async def changes(events: FakeEvents, since: int = 0) -> tuple[list[int], int]:
    """Return the numbers of the changes that are shown, and the number to go on from."""
    index = PackageIndex(
        authorization=authorization_over(FakeDirectory(), FakeClock()),
        metadata=cast("MetadataStore", Packages()),
        events=events,
        files=DocumentCache(index_file),
        affected=cast("AdvisoryMarks", None),  # The feed says nothing of advisories.
        readers=Readers.EVERYBODY,
        successors=cast("Successors", None),  # The feed names none.
        limit_of=_unlimited,
    )
    found = await index.changes(since, 100, by=ANONYMOUS)
    return [each.number for each in found.changes], found.next


GREET = "acme/greet"
SECRET = "acme/secret"


async def test_however_much_is_hidden_a_reader_gets_past_it() -> None:
    subjects = [*[SECRET] * CHANGES_READ, GREET]
    events = FakeEvents([event(number, subject) for number, subject in enumerate(subjects)])
    assert await changes(events) == ([], CHANGES_READ)
    assert await changes(events, since=CHANGES_READ) == ([CHANGES_READ + 1], CHANGES_READ + 1)
