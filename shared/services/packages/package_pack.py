"""The pack: records of the packages that are pulled most, which an instance in the cloud loads when
it starts.

Whoever loads it reads which packages changed since, and leaves those out: loading the pack is a
read of all its records at that moment (docs/decisions/0025).
"""

from collections.abc import Callable, Iterator

from shared.domain.packages import FoundRelease
from shared.ports import PackageChangeFeed, PackagePack, PackedPackage, PackStore
from shared.services.packages.package_cache import ReadRecords, memory_of_read


def memory_of_packed(package: PackedPackage) -> int:
    """Return at most how many bytes of memory a package cache needs for the package."""
    return memory_of_read(package.survey) + sum(map(memory_of_read, _found(package)))


def _found(package: PackedPackage) -> Iterator[FoundRelease]:
    return (FoundRelease(package.survey.head, each) for each in package.releases)


class PackLoading:
    """Reads the pack for a package cache: what did not change since it was written.

    Calls `loaded` with the number of packages, and of those that changed, or `failed` with the
    reason why the pack cannot be used.
    """

    def __init__(
        self,
        store: PackStore,
        changes: PackageChangeFeed,
        *,
        loaded: Callable[[int, int], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._store = store
        self._changes = changes
        self._loaded = loaded
        self._failed = failed

    async def read(self) -> ReadRecords | None:
        """Return the records, or None if there are none that can be used; raise nothing."""
        try:
            pack = await self._store.read()
            return await self._current(pack) if pack else None
        except Exception as error:  # A position may have become unusable, as that of an edition.
            self._failed(error)
            return None

    async def _current(self, pack: PackagePack) -> ReadRecords:
        changed = await self._changes.since(pack.positions)
        current = [each for each in pack.packages if _key(each) not in changed.keys]
        self._loaded(len(pack.packages), len(pack.packages) - len(current))
        surveys = [each.survey for each in current]
        releases = [found for each in current for found in _found(each)]
        return ReadRecords(changed.number, surveys, releases)


def _key(package: PackedPackage) -> str:
    return package.survey.head.package.key
