"""Withheld releases are served nowhere, and their versions are never free again."""

from hashlib import sha256

import pytest

from shared.domain.coordinates import Coordinate
from shared.domain.principals import OPERATOR
from shared.domain.withdrawal_reasons import PublicReason, WithdrawalReason
from tests.protocol.bal.failures import ClientFailure, NoPackage
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.protocol.central.answers import answered, refused
from tests.support.archives import bala
from tests.support.world import URL, OpenWorld, Person, Template, World

BAD = "acme/greet:1.1.0"
COORDINATE = Coordinate.parse("acme", "greet", "1.1.0")
REASON = "reported by a user"
ARCHIVE = bala(BAD, tools=["greeter"], modules=["sub"])
STATES = ["hold", "quarantine", "remove"]
PULL = dict(ACCEPT_ARCHIVE)


async def withhold(world: World, state: str) -> None:
    """Put the release into a state, as an operator does."""
    await getattr(world.registry.publishing.moderation, state)(COORDINATE, REASON, by=OPERATOR)


@pytest.fixture(scope="module", params=STATES)
async def withheld(request: pytest.FixtureRequest, shared_worlds: OpenWorld) -> World:
    """Return a registry with a package whose only release is withheld."""
    world = await shared_worlds()
    await world.push(ARCHIVE)
    await withhold(world, request.param)
    return world


@pytest.fixture(params=["anyone", "ann", "admin"])
def caller(request: pytest.FixtureRequest, template: Template) -> Person | None:
    """Return who asks: it is hidden from its owner and from administrators too."""
    return getattr(template.people, request.param, None)


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/packages/acme/greet", {}),
        ("/packages/acme/greet/1.1.0", {}),
        ("/packages/acme/greet/*", {}),
        ("/packages/acme/greet/1.*", {}),
        ("/packages/acme/greet/1.1.0", PULL),
        ("/packages/acme/greet/*", PULL),
        ("/tools/greeter", {}),
        ("/tools/greeter/1.1.0", {}),
        (f"{URL}/2.0/docs/acme/greet/1.1.0", {}),
    ],
)
async def test_a_quarantined_release_is_not_found(
    withheld: World, caller: Person | None, path: str, headers: dict[str, str]
) -> None:
    answer = await withheld.get(path, by=caller, headers=headers)
    assert REASON not in refused(answer, 404)


@pytest.mark.parametrize(
    "path",
    [
        "/packages",
        "/packages?q=greet",
        "/packages?q=greet&deprecated=true",
        "/packages/acme",
        "/search-packages?q=greet",
        "/tools?q=greet",
        "/search-suggestions?q=gre",
    ],
)
async def test_a_quarantined_release_is_in_no_list(
    withheld: World, caller: Person | None, path: str
) -> None:
    answer = await withheld.get(path, by=caller)
    assert answered(answer).get("count", 0) == 0
    assert "greet" not in answer.text


@pytest.mark.parametrize("mode", ["soft", "medium", "hard", "locked"])
async def test_no_build_resolves_a_quarantined_release(
    withheld: World, caller: Person | None, mode: str
) -> None:
    client = withheld.java(caller)
    package = {"org": "acme", "name": "greet", "version": "1.1.0", "mode": mode}
    assert (await client.resolve_dependencies([package]))["resolved"] == []
    module = {"organization": "acme", "moduleName": "greet.sub", "mode": mode}
    assert (await client.resolve_modules([module]))["resolvedModules"] == []
    tool = {"id": "greeter", "version": "1.1.0", "mode": mode}
    assert (await client.resolve_tools([tool]))["resolved"] == []


@pytest.mark.parametrize("state", STATES)
async def test_links_that_were_given_out_before_lead_nowhere(
    world: World, caller: Person | None, state: str
) -> None:
    await world.push(ARCHIVE)
    first = await world.get("/packages/acme/greet/1.1.0", headers=PULL)
    await withhold(world, state)
    for method in ("GET", "HEAD"):
        answer = await world.send(method, first.headers["location"], by=caller)
        assert answer.status_code == 404


# What a push of the same bytes is told.
TOLD = {
    "hold": "is stored and held",
    "quarantine": "is stored and quarantined",
    "remove": "package already exists",
}


@pytest.mark.parametrize("state", STATES)
async def test_pushing_it_again_brings_nothing_back(world: World, state: str) -> None:
    await world.push(ARCHIVE)
    await withhold(world, state)
    for archive, told in (
        (ARCHIVE, TOLD[state]),
        (bala(BAD, summary="Harmless now."), "package already exists"),
    ):
        with pytest.raises(ClientFailure, match=told):
            await world.push(archive)
    assert await world.java().versions("acme/greet") == []
    assert (await world.java().search("greet"))["count"] == 0
    with pytest.raises(NoPackage):
        await world.java().metadata(BAD)


@pytest.mark.parametrize("state", STATES)
async def test_the_next_version_is_served(world: World, state: str) -> None:
    await world.push(ARCHIVE)
    await withhold(world, state)
    await world.push(bala("acme/greet:1.2.0"))
    assert await world.java().versions("acme/greet") == ["1.2.0"]
    assert (await world.java().search("greet"))["packages"][0]["version"] == "1.2.0"


@pytest.mark.parametrize("state", STATES)
async def test_the_version_before_takes_its_place(world: World, state: str) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(ARCHIVE)
    await withhold(world, state)
    client = world.java()
    assert await client.versions("acme/greet") == ["1.0.0"]
    assert (await client.metadata("acme/greet:*"))["version"] == "1.0.0"
    assert (await client.pull("acme/greet")).version == "1.0.0"
    assert (await client.search("greet"))["packages"][0]["version"] == "1.0.0"
    package = {"org": "acme", "name": "greet", "version": "1.0.0", "mode": "soft"}
    [resolved] = (await client.resolve_dependencies([package]))["resolved"]
    assert resolved["version"] == "1.0.0"


@pytest.mark.parametrize("state", ["hold", "quarantine"])
async def test_a_restored_release_is_served_as_before(world: World, state: str) -> None:
    await world.push(ARCHIVE)
    before = (await world.get("/packages/acme/greet/1.1.0")).content
    await withhold(world, state)
    await world.registry.publishing.moderation.restore(COORDINATE, by=OPERATOR)
    assert (await world.get("/packages/acme/greet/1.1.0")).content == before
    assert (await world.java().pull(BAD)).content == ARCHIVE
    assert (await world.java().search("greet"))["count"] == 1


MALWARE = PublicReason(why=WithdrawalReason.MALWARE, note="It mines coins.")


@pytest.mark.parametrize(("state", "is_final"), [("quarantine", False), ("remove", True)])
async def test_the_refusal_of_metadata_says_why_it_was_withdrawn(
    world: World, *, state: str, is_final: bool
) -> None:
    await world.push(ARCHIVE)
    withhold_for = getattr(world.registry.publishing.moderation, state)
    await withhold_for(COORDINATE, REASON, MALWARE, by=OPERATOR)
    for headers in ({}, PULL):
        answer = await world.get("/packages/acme/greet/1.1.0", headers=headers)
        assert refused(answer, 404) == (
            "package not found for: acme/greet:1.1.0. An administrator of this registry withdrew "
            "it. Malware. It contains code that harms those who use it. It mines coins."
        )
        told = {name: value for name, value in answer.json().items() if name != "message"}
        digest = f"sha-256={sha256(ARCHIVE).hexdigest()}"
        assert told == {
            "kind": "withdrawn",
            "reason": "malware",
            "permanent": is_final,
            "digest": digest,
        }


async def test_a_held_release_is_refused_as_a_missing_one_is(world: World) -> None:
    await world.push(ARCHIVE)
    await withhold(world, "hold")
    answer = await world.get("/packages/acme/greet/1.1.0")
    assert answer.json() == {"message": "package not found for: acme/greet:1.1.0"}


async def test_why_a_private_release_was_withdrawn_is_for_its_readers(world: World) -> None:
    await world.push(bala(BAD, visibility="private"))
    await world.registry.publishing.moderation.remove(COORDINATE, REASON, MALWARE, by=OPERATOR)
    missing = {"message": "package not found for: acme/greet:1.1.0"}
    for caller in (None, world.people.bob):
        assert (await world.get("/packages/acme/greet/1.1.0", by=caller)).json() == missing
    answer = await world.get("/packages/acme/greet/1.1.0", by=world.people.mia)
    assert answer.json()["reason"] == "malware"


async def test_a_push_of_the_next_version_goes_on_after_that_refusal(world: World) -> None:
    await world.push(ARCHIVE)
    await world.registry.publishing.moderation.remove(COORDINATE, REASON, MALWARE, by=OPERATOR)
    message = refused(await world.get("/packages/acme/greet/1.1.0"), 404)
    assert "package not found for: acme/greet:1.1.0" in message  # `bal push` looks for this.
