"""Enumerating: the versions of a package as the documents that Maven clients read."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from shared.auth.recent import Recent
from shared.domain.derived_maven import client_metadata, repository_metadata
from shared.domain.distribution import Distribution
from shared.domain.document import Document
from shared.domain.identity import Principal
from shared.domain.names import Package
from shared.domain.package import Survey, Visibility
from shared.ports import Clock
from shared.services.browsing import Browsing
from shared.services.remembering import Remembering

DISTRIBUTIONS = 4  # Those that are remembered: what people use, and what they move to.
REMEMBERED_BYTES = 16 * 1024 * 1024  # Of each; 10,000 packages of a few versions.


@dataclass(frozen=True, slots=True)
class VersionList:
    """A list of versions, and whether anybody may see it.

    What is remembered is what a store said up to three seconds ago, and may have changed since.
    """

    document: Document
    is_public: bool
    is_remembered: bool = False


class Enumerating:
    """Lists versions for any Maven client, or for one distribution of Ballerina.

    A list costs one trip, and none while it has one of the `known` tags and was read a moment ago.
    """

    def __init__(self, browsing: Browsing, clock: Clock) -> None:
        """Read packages by `browsing`."""
        self._browsing = browsing
        self._clock = clock
        self._lists = self._remembering(repository_metadata)
        self._by_distribution = Recent[Remembering](DISTRIBUTIONS)

    async def versions(
        self, package: Package, *, by: Principal, known: Collection[str] = ()
    ) -> VersionList:
        """Return every live version; raise as `Browsing.survey` does."""
        return await self._list(self._lists, package, by, known)

    async def usable(
        self,
        package: Package,
        distribution: Distribution,
        *,
        by: Principal,
        known: Collection[str] = (),
    ) -> VersionList:
        """Return what the distribution can use; raise as `Browsing.survey` does."""
        lists = self._by_distribution.get(distribution.text)
        lists = lists or self._remembering(lambda survey: _usable(distribution, survey))
        self._by_distribution.put(distribution.text, lists)  # What was asked for last stays.
        return await self._list(lists, package, by, known)

    def _remembering(self, make: Callable[[Survey], bytes]) -> Remembering:
        return Remembering(make, self._clock, REMEMBERED_BYTES)

    async def _list(
        self, lists: Remembering, package: Package, by: Principal, known: Collection[str]
    ) -> VersionList:
        document = lists.known(package, known)
        if document is not None:
            return VersionList(document, is_public=True, is_remembered=True)
        read_ms = lists.now_ms()
        survey = await self._browsing.survey(package, by=by)
        document = await lists.document(survey, read_ms)
        return VersionList(document, survey.head.visibility is Visibility.PUBLIC)


def _usable(distribution: Distribution, survey: Survey) -> bytes:
    return client_metadata(distribution, survey.head.org, survey.head.name, survey)
