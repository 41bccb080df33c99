"""Builds get releases for what they ask, in the order asked, in as few trips as can be."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.archives.digests import Digest
from shared.domain.build_resolution import (
    ModuleAnswer,
    ModuleRequest,
    PackageAnswer,
    PackageRequest,
)
from shared.domain.coordinates import Coordinate, Package
from shared.domain.distributions import ANY_CLIENT
from shared.domain.errors.base import InvalidRequest
from shared.domain.packages import Survey
from shared.domain.principals import ANONYMOUS
from shared.ports.documents import DocumentStore
from shared.ports.metadata import MetadataStore, ReadCheck
from shared.services.packages import hosted_packages
from shared.services.packages.hosted_packages import (
    CANDIDATES_PER_MODULE,
    MAX_RESOLVED,
    HostedPackages,
)
from tests.fakes.stores import FakeDirectory
from tests.fakes.system import FakeClock
from tests.support.services import authorization_over
from tests.support.surveys import checked, deprecated, entry, survey


class Packages:
    """The packages of a test, and how often they were asked for."""

    def __init__(self) -> None:
        surveys = [
            survey("1.0.0", deprecated("1.1.0"), package="acme/greet"),
            survey(entry("2.0.0", modules=("io", "io.file")), package="acme/io"),
        ]
        self.surveys = {each.head.package.key: each for each in surveys}
        self.calls: Counter[str] = Counter()

    async def survey(
        self,
        packages: Sequence[Package],
        _versions: Collection[Coordinate] = (),
        /,
        *,
        check: ReadCheck | None = None,
    ) -> list[Survey | None]:
        self.calls["survey"] += 1
        return await checked([(each, self.surveys.get(each.key)) for each in packages], check)


class Graphs:
    """Graphs that name the digest they belong to, `padding` bytes longer than that."""

    def __init__(self) -> None:
        self.padding = 0
        self.asked: list[Digest] = []

    async def graphs(self, digests: Sequence[Digest]) -> list[bytes]:
        self.asked += digests
        return [graph_of(digest) + b" " * self.padding for digest in digests]


def graph_of(digest: Digest) -> bytes:
    return f'["{digest}"]'.encode()


@dataclass
class World:
    """A service over the packages of a test."""

    metadata: Packages = field(default_factory=Packages)
    documents: Graphs = field(default_factory=Graphs)

    @property
    def service(self) -> HostedPackages:
        return HostedPackages(
            authorization_over(FakeDirectory(), FakeClock()),
            cast("MetadataStore", self.metadata),  # Resolving reads by these methods alone.
            cast("DocumentStore", self.documents),
            sweep_grace_hours=24,
        )

    async def packages(self, *requests: PackageRequest) -> PackageAnswer:
        """Resolve packages."""
        return await self.service.resolve_packages(requests, client=ANY_CLIENT, by=ANONYMOUS)

    async def modules(self, *requests: ModuleRequest) -> ModuleAnswer:
        """Resolve modules."""
        return await self.service.resolve_modules(requests, client=ANY_CLIENT, by=ANONYMOUS)


@pytest.fixture
def world() -> World:
    return World()


ASKED = (
    PackageRequest.of("acme", "io", "2.0.0"),
    PackageRequest.of("acme", "nowhere", "1.0.0"),
    PackageRequest.of("ACME", "Greet"),
    PackageRequest.of("acme", "1.0.01", "1.0.0"),
    PackageRequest.of("acme", "greet", "1%2E1.0", "hard"),
    PackageRequest.of("acme", "greet", "latest"),
    PackageRequest.of("acme", "io", "2.0.0"),
    PackageRequest.of("acme", "io", "3.0.0"),
)


async def test_modules_may_not_name_packages_without_end(world: World) -> None:
    known = [
        PackageRequest.of("acme", f"p{n}") for n in range(MAX_RESOLVED * CANDIDATES_PER_MODULE)
    ]
    with pytest.raises(
        InvalidRequest, match=r"This names 8,001 packages.* at most are looked for at once\."
    ):
        await world.modules(ModuleRequest.of("acme", "io", known))
    assert not world.metadata.calls
    assert (await world.modules(ModuleRequest.of("acme", "io", known[1:]))).resolved


async def test_graphs_that_fit_no_answer_are_refused(world: World) -> None:
    request = PackageRequest.of("acme", "io")
    world.documents.padding = hosted_packages.MAX_GRAPH_BYTES // 2
    assert (await world.packages(request)).resolved
    with pytest.raises(InvalidRequest) as refused:
        await world.packages(request, request)
    size = 2 * len(graph_of(world.documents.asked[0])) + hosted_packages.MAX_GRAPH_BYTES
    assert str(refused.value) == (
        f"The dependency graphs of these packages have {size:,} bytes together, and 67,108,864 fit "
        "one answer. Ask for fewer, in several requests."
    )


@given(st.permutations(ASKED))
async def test_an_answer_does_not_depend_on_what_else_is_asked_or_in_which_order(
    requests: list[PackageRequest],
) -> None:
    world = World()
    together = await world.packages(*requests)
    alone = [await world.packages(request) for request in requests]
    assert together.resolved == tuple(found for each in alone for found in each.resolved)
    assert together.unresolved == tuple(left for each in alone for left in each.unresolved)
