"""Internal packages do not exist for callers without credentials, nor for tokens that do not read.

Two registries mirror an upstream with a token. One has stored a package that the upstream gives for
the token alone, the other one has not. What comes back to outsiders is the same to the byte, and so
are the calls of the stores, their order, how many packages and releases they found, and the
requests to the upstream.
"""

from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from shared.services.mirroring.upstream_cache import MISSING_FOR
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.security.package_probes import CHANGING, READING, secret
from tests.security.registry_pairs import NOBODY, Filled, Opened, Pair, bearer, difference, pairs_of
from tests.support.upstreams import FakeUpstream
from tests.support.world import URL, Template, World, token_of

NAME = "secret"
ORG = "partner"
HIDDEN = "hidden"  # Stored in both: that there are any is no secret (docs/decisions/0006).
READERS = ("nobody", "token that cannot read")
PULL = dict(ACCEPT_ARCHIVE)
# Where a store finds what is hidden, which is left out only then: lists of events have it among
# others, who knows the digest of an archive has it, and a push reads the release at the same time
# as the right to push it.
FINDING_MORE = {
    "index_changes",
    "web_feed",
    "web_feed_package",
    "archive_bytes",
    *CHANGING,
}


@pytest.fixture(scope="module")
def upstream() -> Iterator[FakeUpstream]:
    """Return an upstream with two private packages, and a public one of the same organization."""
    upstream = FakeUpstream()
    upstream.publish(f"{ORG}/greet:1.0.0", tools=["greeter"])
    for name in (NAME, HIDDEN):
        upstream.archives[f"{ORG}/{name}:1.0.0"] = secret(name, ORG)
        upstream.private.add(f"{ORG}/{name}")
    with upstream.serving():
        yield upstream


def mirroring(upstream: FakeUpstream) -> dict[str, Any]:
    return {"upstream": upstream.url, "upstream_token": upstream.token}


async def filled(template: Template, upstream: FakeUpstream, folder: Path, *names: str) -> Filled:
    """Fill a registry with what everybody may see, and these internal packages."""
    people = {"nobody": NOBODY}

    async def fill(world: World) -> None:
        for name in ("greet", HIDDEN, *names):
            path = f"/packages/{ORG}/{name}/1.0.0"
            answer = await world.get(path, headers=PULL, by=world.people.bob)
            assert answer.status_code == 302
            await world.get(f"{URL}/2.0/docs/{ORG}/{name}/1.0.0", by=world.people.bob)
        # Until then it is known that somebody asked for a name that not everybody gets, whether or
        # not there is such a package (docs/use/private-packages.md).
        world.clock.advance(2 * MISSING_FOR)
        issued = partial(token_of, world.registry, world.people.ann.account)
        people["token that cannot read"] = bearer(await issued("push-version", org="acme"))

    return Filled(await template.filled(folder, fill, **mirroring(upstream)), people)


@pytest.fixture(scope="module")
async def pair(
    template: Template, upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Pair:
    folder = tmp_path_factory.mktemp("pair")
    having = await filled(template, upstream, folder / "with", NAME)
    return Pair(having, await filled(template, upstream, folder / "without"))


@pytest.fixture
async def opened(pair: Pair, upstream: FakeUpstream, scratch: Path) -> AsyncGenerator[Opened]:
    """Return a registry that has stored the internal package, and one that never pulled it."""
    async with pair.registries(scratch, **mirroring(upstream)) as both:
        yield both


@pytest.mark.parametrize("function", [*READING, *CHANGING])
async def test_for_outsiders_a_mirror_with_it_equals_one_without_it(
    opened: Opened, function: str, upstream: FakeUpstream
) -> None:
    upstream.asked_with_token.clear()
    shown: list[str] = []
    for who, probe in pairs_of(READERS, {**READING, **CHANGING}[function], seed=function):
        found = []
        asked = []
        for each in opened:
            upstream.asked.clear()
            what, calls = await each.asked(probe.about(NAME, ORG), who)
            finds = [] if function in FINDING_MORE else each.port_calls.taken_finds()
            found.append((what, calls + finds))
            asked.append(Counter(upstream.asked))
        if found[0] != found[1] or asked[0] != asked[1]:
            shown.append(f"{who} by {probe}: {difference(*found)}, asked {asked}")
    assert not shown, "\n".join(shown)
    assert not upstream.asked_with_token
