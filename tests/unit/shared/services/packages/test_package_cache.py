"""The package cache answers with unchanged records of public packages."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import cast

import pytest

from shared.adapters.sqlite.edition import ChangesSince, EmbeddedEdition
from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate, Package
from shared.domain.packages import FoundRelease, Survey
from shared.domain.versions import Version
from shared.domain.visibility import Visibility
from shared.ports.metadata import MetadataStore, ReadCheck
from shared.services.packages.package_cache import PackageCache
from tests.support.surveys import checked, survey

GREET = Package.parse("acme", "greet")
MISSING = Package.parse("acme", "missing")
ONE = Coordinate.parse("acme", "greet", "1.0.0")
CONTENT = Digest("a" * 64)


class Stores:
    """Counts what is read of one package, and how often anything was written."""

    def __init__(self) -> None:
        self.visibility = Visibility.PUBLIC
        self.version = 1
        self.calls = Counter[str]()
        self.is_there = True

    def survey_of(self, package: Package) -> Survey | None:
        if package.key != GREET.key or not self.is_there:
            return None
        return survey("1.0.0", visibility=self.visibility)

    async def survey(
        self,
        packages: Sequence[Package],
        _versions: Collection[Coordinate] = (),
        /,
        *,
        check: ReadCheck | None = None,
    ) -> list[Survey | None]:
        self.calls["survey"] += len(packages)
        return await checked([(each, self.survey_of(each)) for each in packages], check)

    async def find(
        self, coordinate: Coordinate, /, *, check: ReadCheck | None = None
    ) -> FoundRelease:
        self.calls["find"] += 1
        package = coordinate.package
        [found] = await checked([(package, self.survey_of(package))], check)
        if found is None:
            return FoundRelease(None, None)
        return FoundRelease(found.head, cast("None", found.entries[0]))

    async def by_digest(self, digest: Digest, /, *, check: ReadCheck | None = None) -> FoundRelease:
        assert digest == CONTENT
        self.calls["by_digest"] += 1
        found = await self.find(ONE, check=check)
        self.calls["find"] -= 1
        return found

    async def tool_owners(self, tools: Sequence[str]) -> list[Package | None]:
        self.calls["tool_owners"] += len(tools)
        return [GREET if tool.lower() == "greeter" else None for tool in tools]


class CountedEdition(EmbeddedEdition):
    """Counts how often somebody waited for it; only that makes it current."""

    polls = 0

    def is_current(self) -> bool:
        return False

    def start_poll(self) -> None:
        super().is_current()

    async def poll(self) -> bool:
        self.polls += 1
        return super().is_current()


class Scene:
    """A cache over counted stores."""

    def __init__(self, capacity_bytes: int = 1_000_000) -> None:
        self.stores = Stores()
        self.edition = CountedEdition(
            lambda: self.stores.version, lambda _position: ChangesSince(0, keys=None)
        )
        store = cast("MetadataStore", self.stores)
        self.cache = PackageCache(store, self.edition, capacity_bytes=capacity_bytes)

    async def read(self) -> None:
        """Read everything that is kept."""
        await self.cache.find(ONE)
        await self.cache.by_digest(CONTENT)
        await self.cache.survey([GREET])


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.mark.parametrize(
    ("visibility", "is_there", "changes", "times"),
    [
        (Visibility.PUBLIC, True, 0, 1),
        (Visibility.PUBLIC, True, 1, 2),
        (Visibility.PUBLIC, False, 0, 2),
        (Visibility.PRIVATE, True, 0, 2),
    ],
    ids=["in memory", "changed", "missing", "private"],
)
async def test_a_public_package_that_did_not_change_is_read_once(
    scene: Scene, visibility: Visibility, is_there: bool, changes: int, times: int
) -> None:
    scene.stores.visibility = visibility
    scene.stores.is_there = is_there
    await scene.read()
    scene.stores.version += changes
    await scene.read()
    assert +scene.stores.calls == {"find": times, "by_digest": times, "survey": times}
    assert (await scene.cache.find(ONE)).head == (await scene.stores.find(ONE)).head


async def test_a_version_that_is_not_in_memory_is_asked_for(scene: Scene) -> None:
    await scene.cache.survey([GREET])
    await scene.cache.survey([GREET, MISSING], [ONE, MISSING.at(ONE.version)])
    assert scene.stores.calls["survey"] == 2, "the version is in memory, the other package is not"
    await scene.cache.survey([GREET], [GREET.at(Version.parse("1.1.0"))])
    assert scene.stores.calls["survey"] == 3


async def test_a_package_that_became_private_is_not_waited_for_again(scene: Scene) -> None:
    await scene.read()
    scene.stores.visibility = Visibility.PRIVATE
    scene.stores.version += 1
    await scene.read()
    scene.edition.polls = 0
    await scene.read()
    await scene.cache.survey([MISSING])
    assert scene.edition.polls == 0, "as for a package that is missing"


async def test_packages_that_are_not_in_memory_are_read_together(scene: Scene) -> None:
    await scene.cache.survey([GREET])
    found = await scene.cache.survey([MISSING, GREET, MISSING])
    assert [each and each.head.package for each in found] == [None, GREET, None]
    assert scene.stores.calls["survey"] == 2


async def test_the_owner_of_a_tool_is_asked_for_once_and_a_free_tool_each_time(
    scene: Scene,
) -> None:
    await scene.cache.survey([GREET])
    for _ in range(2):
        assert await scene.cache.tool_owners(["Greeter", "free"]) == [GREET, None]
    assert await scene.cache.tool_owners(["greeter"]) == [GREET]
    assert scene.stores.calls["tool_owners"] == 3


async def test_an_owner_whose_package_is_not_in_memory_is_asked_for_each_time(scene: Scene) -> None:
    scene.stores.visibility = Visibility.PRIVATE
    await scene.cache.survey([GREET])
    for _ in range(2):
        assert await scene.cache.tool_owners(["greeter"]) == [GREET]
    assert scene.stores.calls["tool_owners"] == 2


async def test_the_memory_is_bounded() -> None:
    scene = Scene(capacity_bytes=1)
    await scene.read()
    await scene.cache.find(ONE)
    assert scene.stores.calls["find"] == 2, "only what was read last is kept"
