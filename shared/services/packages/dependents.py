"""Which packages depend on a package: what the search index knows."""

from msgspec import Struct

from shared.domain.coordinates import Package
from shared.domain.principals import Principal
from shared.domain.search import Query, ResultPage, Results
from shared.services.packages.search import PackageSearch

_COUNT_ONLY = ResultPage(limit=0)


class Dependents(Struct, frozen=True):
    """Lists the packages whose latest release depends on a package directly, of those that the
    caller may see."""

    search: PackageSearch

    async def list(self, package: Package, page: ResultPage, *, by: Principal) -> Results:
        """Return one page of the dependents."""
        query = Query(depends_on=package.key, include_deprecated=True)
        return await self.search.search(query, page, by=by)

    async def count(self, package: Package, *, by: Principal) -> int:
        """Return how many packages `list` has."""
        return (await self.list(package, _COUNT_ONLY, by=by)).count
