"""left-pad, 2016: whatever anybody does, what a coordinate stands for never changes."""

import hashlib
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import Refusal
from shared.domain.principals import OPERATOR
from tests.protocol.bal.failures import ClientFailure, NoPackage
from tests.sampling import examples
from tests.support.archives import bala
from tests.support.world import Person, Template, World

VERSIONS = ("1.0.0", "1.1.0")
CONTENTS = ("one", "two", "three")
PEOPLE = ("ann", "admin", "bob")
MODERATION = ("hold", "quarantine", "restore", "remove")

pushes = st.tuples(
    st.just("push"), st.sampled_from(PEOPLE), st.sampled_from(VERSIONS), st.sampled_from(CONTENTS)
)
deprecations = st.tuples(
    st.sampled_from(("deprecate", "undeprecate")),
    st.sampled_from(PEOPLE),
    st.sampled_from((*VERSIONS, "*")),
    st.just(""),
)
moderation = st.tuples(
    st.sampled_from(MODERATION), st.just("operator"), st.sampled_from(VERSIONS), st.just("")
)
minutes = st.tuples(st.just("wait"), st.just(""), st.just(""), st.just(""))
Step = tuple[str, str, str, str]
STEPS = st.lists(st.one_of(pushes, pushes, deprecations, moderation, minutes), max_size=14)

_folders = count()


@given(steps=STEPS)
@settings(
    max_examples=examples(20, full=40), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_the_bytes_behind_a_coordinate_never_change(
    template: Template, scratch: Path, steps: Sequence[Step]
) -> None:
    async with template.world(scratch / f"law{next(_folders)}") as world:
        first: dict[str, str] = {}
        for step in steps:
            await take(world, step)
            await check(world, first)


async def take(world: World, step: Step) -> None:
    """Do one step; a refusal is as good as a success."""
    verb, who, version, content = step
    coordinate = f"acme/greet:{version}"
    if verb == "wait":
        world.clock.at_ms += 11 * 60_000
        return
    try:
        if verb in MODERATION:
            await moderate(world, verb, version)
        else:
            await change(world, getattr(world.people, who), verb, coordinate, content)
    except (ClientFailure, Refusal):
        return


async def moderate(world: World, verb: str, version: str) -> None:
    """Withhold the release, or serve it again."""
    coordinate = Coordinate.parse("acme", "greet", version)
    service = world.registry.publishing.moderation
    reasons = () if verb == "restore" else ("A test.",)
    await getattr(service, verb)(coordinate, *reasons, by=OPERATOR)


async def change(world: World, person: Person, verb: str, coordinate: str, content: str) -> None:
    client = world.java(person)
    if verb == "push":
        await client.send_archive(coordinate, bala(coordinate, summary=content))
    elif verb == "deprecate":
        await client.deprecate(coordinate, "Gone.")
    else:
        await client.undeprecate(coordinate)


async def check(world: World, first: dict[str, str]) -> None:
    """Compare what is stored, said and sent with what was seen first; nothing is ever forgotten."""
    [head] = await world.stores.metadata.packages("", 1) or [None]
    releases = await world.stores.metadata.releases(head.package) if head else []
    for release in releases:
        assert first.setdefault(release.version, release.digest) == release.digest
        content = await world.stores.archives.read(release.archive)
        assert hashlib.sha256(content).hexdigest() == release.digest
        await check_sent(world, release.version, release.digest)
    assert {release.version for release in releases} == set(first)


async def check_sent(world: World, version: str, digest: str) -> None:
    """Compare what a client gets, if it gets anything."""
    client = world.java()
    try:
        model = await client.metadata(f"acme/greet:{version}")
    except NoPackage:
        return
    assert model["digest"] == f"sha-256={digest}"
    pulled = await client.pull(f"acme/greet:{version}")
    assert hashlib.sha256(pulled.content).hexdigest() == digest
