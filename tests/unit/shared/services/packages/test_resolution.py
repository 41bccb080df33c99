"""Builds get releases for what they ask, in the order asked, in as few trips as can be."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.auth.authorization import Authorization
from shared.domain.archives.names import Digest
from shared.domain.errors.base import InvalidRequest
from shared.domain.identity import ANONYMOUS, Principal
from shared.domain.names import ANY_CLIENT, NO_PACKAGE, ClientProfile, Coordinate, Package
from shared.domain.packages import Survey, Visibility
from shared.domain.resolve_requests import (
    ModuleAnswer,
    ModuleRequest,
    PackageAnswer,
    PackageRequest,
    ToolAnswer,
    ToolRequest,
)
from shared.ports import DocumentStore, MetadataStore
from shared.services.packages import hosted_packages
from shared.services.packages.hosted_packages import CANDIDATES_PER_MODULE, HostedPackages
from tests.fakes.readers import known_readers
from tests.fakes.stores import FakeDirectory
from tests.fakes.system import FakeClock
from tests.support.surveys import deprecated, entry, survey

MANY = 50


class Packages:
    """The packages of a test, and how often they were asked for."""

    def __init__(self, surveys: Iterable[Survey], tools: dict[str, str]) -> None:
        self.surveys = {each.head.package.key: each for each in surveys}
        self.owners = {tool: Package.parse(*name.split("/")) for tool, name in tools.items()}
        self.calls: Counter[str] = Counter()
        self.asked: list[str] = []

    async def survey(
        self, packages: Sequence[Package], _versions: Collection[Coordinate] = ()
    ) -> list[Survey | None]:
        self.calls["survey"] += 1
        self.asked += [str(package) for package in packages]
        return [self.surveys.get(package.key) for package in packages]

    async def tool_owners(self, tools: Sequence[str]) -> list[Package | None]:
        self.calls["tool_owners"] += 1
        self.asked += tools
        return [self.owners.get(tool) for tool in tools]


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

    metadata: Packages
    documents: Graphs = field(default_factory=Graphs)
    client: ClientProfile = ANY_CLIENT
    by: Principal = ANONYMOUS

    @property
    def service(self) -> HostedPackages:
        return HostedPackages(
            Authorization(FakeDirectory(), FakeClock(), known_readers()),
            cast("MetadataStore", self.metadata),  # Resolving reads by these methods alone.
            cast("DocumentStore", self.documents),
            max_resolve=MANY,
        )

    async def packages(self, *requests: PackageRequest) -> PackageAnswer:
        """Resolve packages."""
        return await self.service.resolve_packages(requests, client=self.client, by=self.by)

    async def modules(self, *requests: ModuleRequest) -> ModuleAnswer:
        """Resolve modules."""
        return await self.service.resolve_modules(requests, client=self.client, by=self.by)

    async def tools(self, *requests: ToolRequest) -> ToolAnswer:
        """Resolve tools."""
        return await self.service.resolve_tools(requests, client=self.client, by=self.by)


@pytest.fixture
def world() -> World:
    return World(made_up())


def made_up() -> Packages:
    """Make up a small registry."""
    return Packages(
        [
            survey("1.0.0", deprecated("1.1.0"), package="acme/greet"),
            survey(entry("2.0.0", modules=("io", "io.file")), package="acme/io"),
            survey("1.0.0", package="acme/secret", visibility=Visibility.PRIVATE),
            survey(
                entry("1.0.0", modules=("hidden",), tools=("spy",)),
                package="acme/hidden",
                visibility=Visibility.PRIVATE,
            ),
            survey("0.9.0", entry("1.0.0", tools=("health",)), package="acme/health_tool"),
            survey(entry("1.0.0", built_with="2201.9.0"), package="acme/modern"),
        ],
        {"health": "acme/health_tool", "spy": "acme/hidden", "orphan": "acme/gone"},
    )


def shown(answer: PackageAnswer) -> list[str]:
    return [f"{each.request.org}/{each.request.name}:{each.version}" for each in answer.resolved]


def names(requests: Iterable[PackageRequest]) -> list[str]:
    return [f"{each.org}/{each.name}:{each.version}" for each in requests]


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


async def test_packages_are_answered_in_the_order_asked_and_spelled_as_asked(world: World) -> None:
    answer = await world.packages(*ASKED)
    assert shown(answer) == [
        "acme/io:2.0.0",
        "ACME/Greet:1.0.0",
        "acme/greet:1.1.0",
        "acme/io:2.0.0",
    ]
    assert names(answer.unresolved) == [
        "acme/nowhere:1.0.0",
        "acme/1.0.01:1.0.0",
        "acme/greet:latest",
        "acme/io:3.0.0",
    ]
    assert [each.deprecation for each in answer.resolved] == [None, None, "Use another.", None]


async def test_every_resolved_package_brings_the_graph_of_its_own_archive(world: World) -> None:
    answer = await world.packages(*ASKED)
    assert [each.graph for each in answer.resolved] == [
        graph_of(each.content) for each in answer.resolved
    ]


async def test_packages_take_two_trips_and_each_is_read_once(world: World) -> None:
    await world.packages(*ASKED)
    assert world.metadata.calls == {"survey": 1}
    assert sorted(name.lower() for name in world.metadata.asked) == [
        "acme/greet",
        "acme/io",
        "acme/nowhere",
    ]
    assert len(world.documents.asked) == len(set(world.documents.asked)) == 3


async def test_a_request_for_nothing_readable_reads_nothing(world: World) -> None:
    assert await world.packages() == PackageAnswer((), ())
    assert await world.modules() == ModuleAnswer((), ())
    assert await world.tools() == ToolAnswer((), ())
    bad = PackageRequest.of("acme", "a..b")
    assert (await world.packages(bad)).unresolved == (bad,)
    assert not world.metadata.calls
    assert not world.documents.asked


async def test_modules_are_answered_in_the_order_asked_in_one_trip(world: World) -> None:
    asked = [
        ModuleRequest.of("acme", "io.file"),
        ModuleRequest.of("acme", "io.net"),
        ModuleRequest.of("acme", "hidden"),
        ModuleRequest.of("acme", "a..b"),
        ModuleRequest.of("Acme", "io", [PackageRequest.of("Acme", "io", "2.0.0")]),
    ]
    answer = await world.modules(*asked)
    assert [(each.request, each.package, each.version.text) for each in answer.resolved] == [
        (asked[0], "io", "2.0.0"),
        (asked[4], "io", "2.0.0"),
    ]
    assert [each.request for each in answer.unresolved] == asked[1:4]
    assert world.metadata.calls == {"survey": 1}


async def test_tools_are_answered_in_the_order_asked_in_two_trips(world: World) -> None:
    asked = [
        ToolRequest.of("health", "1.0.0"),
        ToolRequest.of("nowhere"),
        ToolRequest.of("health"),
        ToolRequest.of("health", "0.9.0", "hard"),
        ToolRequest.of("health", "latest"),
        ToolRequest.of("no/id"),
        ToolRequest.of("spy"),
        ToolRequest.of("orphan"),
    ]
    answer = await world.tools(*asked)
    package = Package.parse("acme", "health_tool")
    assert [(each.request, each.package, each.version.text) for each in answer.resolved] == [
        (asked[0], package, "1.0.0"),
        (asked[2], package, "1.0.0"),
    ]
    assert list(answer.unresolved) == [asked[1], *asked[3:]]
    assert world.metadata.calls == {"tool_owners": 1, "survey": 1}
    assert world.metadata.asked == [
        *("health", "nowhere", "spy", "orphan"),
        *("acme/health_tool", str(NO_PACKAGE), "acme/hidden", "acme/gone"),
    ]


async def test_tools_that_nobody_owns_cost_what_hidden_ones_cost(world: World) -> None:
    asked = ToolRequest.of("nowhere")
    assert await world.tools(asked) == ToolAnswer((), (asked,))
    assert world.metadata.calls == {"tool_owners": 1, "survey": 1}


async def test_tools_that_nothing_can_be_called_cost_nothing(world: World) -> None:
    asked = ToolRequest.of("no/id")
    assert await world.tools(asked) == ToolAnswer((), (asked,))
    assert world.metadata.calls == {}


async def test_a_request_for_too_much_at_once_is_refused_before_anything_is_read(
    world: World,
) -> None:
    too_many = MANY + 1
    with pytest.raises(InvalidRequest) as refusal:
        await world.packages(*[PackageRequest.of("acme", "io")] * too_many)
    assert str(refusal.value) == (
        "This names 51 packages, modules or tools to look for, and 50 at most are looked for at "
        "once. Ask for fewer, in several requests."
    )
    with pytest.raises(InvalidRequest):
        await world.modules(*[ModuleRequest.of("acme", "io")] * too_many)
    with pytest.raises(InvalidRequest):
        await world.tools(*[ToolRequest.of("health")] * too_many)
    assert not world.metadata.calls


async def test_as_much_as_the_setting_allows_is_answered(world: World) -> None:
    answer = await world.packages(*[PackageRequest.of("acme", "io")] * MANY)
    assert len(answer.resolved) == MANY


async def test_modules_may_not_name_packages_without_end(world: World) -> None:
    known = [PackageRequest.of("acme", f"p{n}") for n in range(MANY * CANDIDATES_PER_MODULE)]
    with pytest.raises(InvalidRequest, match="This names 201 packages"):
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
    world = World(made_up())
    together = await world.packages(*requests)
    alone = [await world.packages(request) for request in requests]
    assert together.resolved == tuple(found for each in alone for found in each.resolved)
    assert together.unresolved == tuple(left for each in alone for left in each.unresolved)
