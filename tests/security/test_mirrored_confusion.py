"""Dependency confusion and private packages, with a mirror: the upstream has packages of the same
names with higher versions, and nobody gets one of them, or learns more than without a mirror.

The upstream is never asked for an organization that is here. So outsiders can tell by the time of
an answer that the name of an organization is taken, because the upstream is asked for others, and
nothing of its packages.
"""

from collections.abc import AsyncGenerator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from shared.domain.coordinates import Coordinate
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from tests.protocol.bal.failures import ClientFailure
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.security.package_probes import CHANGING, READING, secret
from tests.security.registry_pairs import Pair, told_apart
from tests.security.test_private_packages import FIRST, NAME, asked_of, filled
from tests.support.archives import bala
from tests.support.upstreams import FakeUpstream
from tests.support.world import Template, World

NAMES = ("greet", "private", "withdrawn", "absent")
PULL = dict(ACCEPT_ARCHIVE)

# These look for tools by their ids. An id that nothing here has is asked of the upstream, so that
# it can be seen by the time of an answer which ids are taken (docs/use/private-packages.md).
OF_TOOLS = frozenset(("central_tool", "central_doubled", "central_resolve_tools"))
NAMES_OF_TOOLS = ("greet", "private")


@pytest.fixture(scope="module")
def upstream() -> Iterator[FakeUpstream]:
    """Return an upstream that has higher versions of all names."""
    upstream = FakeUpstream()
    for name in (*NAMES, FIRST, NAME):
        upstream.publish(f"acme/{name}:9.9.9", tools=[name])
    with upstream.serving():
        yield upstream


@pytest.fixture
def unasked(upstream: FakeUpstream) -> FakeUpstream:
    """Return it as if nobody had asked it anything."""
    upstream.asked.clear()
    return upstream


@pytest.fixture(scope="module")
async def mirrored(
    template: Template, upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Template:
    """Make a registry that mirrors it and has an organization of its own."""
    folder = tmp_path_factory.mktemp("mirrored") / "data"
    made = await template.filled(folder, publish, upstream=upstream.url)
    assert upstream.total == 0
    return made


async def publish(mirror: World) -> None:
    """Publish a package that can be pulled, one that is private, and one that is withdrawn."""
    await mirror.push(bala("acme/greet:1.0.0", tools=["greet"]))
    await mirror.push(bala("acme/private:1.0.0", visibility="private", tools=["private"]))
    await mirror.push(bala("acme/withdrawn:1.0.0"))
    gone = Coordinate.parse("acme", "withdrawn", "1.0.0")
    await mirror.registry.publishing.moderation.remove(gone, "A test.", by=OPERATOR)


@pytest.fixture
async def mirror(mirrored: Template, scratch: Path, unasked: FakeUpstream) -> AsyncGenerator[World]:
    async with mirrored.world(scratch / "data", upstream=unasked.url) as world:
        yield world


@pytest.mark.parametrize("function", [*READING, *CHANGING])
async def test_no_question_about_an_organization_of_ours_reaches_the_upstream(
    mirror: World, unasked: FakeUpstream, function: str
) -> None:
    for probe in {**READING, **CHANGING}[function]:
        for name in NAMES_OF_TOOLS if function in OF_TOOLS else NAMES:
            await mirror.http.send(probe.about(name))
    # One at most for the tool of the probes that nobody has.
    assert unasked.total <= (1 if function == "central_resolve_tools" else 0)


@pytest.mark.parametrize("wanted", ["9.9.9", "9.*", "2.0.0"])
@pytest.mark.parametrize("name", NAMES)
async def test_a_higher_version_of_the_upstream_is_nowhere(
    mirror: World, unasked: FakeUpstream, name: str, wanted: str
) -> None:
    for client in (mirror.java(mirror.people.ann), mirror.go(mirror.people.ann), mirror.java()):
        with pytest.raises(ClientFailure, match="not found"):
            await client.pull(f"acme/{name}:{wanted}")
    assert unasked.total == 0


@pytest.mark.parametrize("mode", ["soft", "medium", "hard", "locked"])
async def test_a_build_gets_the_local_release(
    mirror: World, unasked: FakeUpstream, mode: str
) -> None:
    request = {"org": "acme", "name": "greet", "version": "1.0.0", "mode": mode}
    [resolved] = (await mirror.java().resolve_dependencies([request]))["resolved"]
    assert resolved["version"] == "1.0.0"
    assert unasked.total == 0


async def test_an_organization_without_packages_and_a_deleted_one_are_ours(
    mirror: World, unasked: FakeUpstream
) -> None:
    for org in ("founded", "deleted"):
        unasked.publish(f"{org}/lib:1.0.0")
        await mirror.create_organization(org)
    await mirror.registry.organizations.deletion.delete(
        parse_org("deleted"), by=OPERATOR, reason="It was decided."
    )
    for days in (0, 3, 3):  # Its record is deleted in the end, and its name stays.
        mirror.clock.advance(timedelta(days=days))
        await mirror.registry.maintenance.task_runner.run("finish-deletions")
        for org in ("founded", "deleted"):
            answer = await mirror.get(f"/packages/{org}/lib/1.0.0", headers=PULL)
            assert answer.status_code == 404
    assert unasked.total == 0


# --- Private packages ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
async def pair(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    folder = tmp_path_factory.mktemp("pair")
    having = await filled(template, folder / "with", secret(NAME))
    return Pair(having, await filled(template, folder / "without"))


@pytest.mark.parametrize("function", [*READING, *CHANGING])
async def test_for_outsiders_a_mirror_with_a_private_package_equals_one_without_it(
    pair: Pair, scratch: Path, function: str, unasked: FakeUpstream
) -> None:
    by_calls = function not in OF_TOOLS
    async with pair.registries(scratch, upstream=unasked.url) as both:
        assert await told_apart(both, asked_of(function), NAME, by_calls=by_calls) == []
    if by_calls:
        assert unasked.total == 0
