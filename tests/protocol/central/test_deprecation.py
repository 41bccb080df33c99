"""`bal deprecate`: one version or the whole package, with a message for its users."""

import httpx
import pytest

from shared.domain.coordinates import Coordinate
from shared.domain.principals import OPERATOR
from tests.protocol.bal.failures import ClientFailure
from tests.protocol.bal.java import JavaBal
from tests.protocol.central.answers import answered, refused
from tests.support.archives import bala
from tests.support.world import Person, World

pytestmark = pytest.mark.measured

GREET = "acme/greet:1.0.0"
QUOTED = 'Use "acme/hello",\nit is \\better\\.'
ONE_LINE = 'Use "acme/hello", it is \\better\\.'


@pytest.fixture(autouse=True)
async def published(world: World) -> None:
    """Publish two versions of one package."""
    await world.push(bala(GREET))
    await world.push(bala("acme/greet:1.1.0"))


async def put(
    world: World,
    body: bytes = b'{"message": "x"}',
    *,
    path: str = "deprecate/acme/greet/1.0.0",
    by: Person | None = None,
) -> httpx.Response:
    """Send a change as Ann, or as somebody else."""
    return await world.send("PUT", f"/packages/{path}", by=by or world.people.ann, content=body)


async def test_a_version_is_deprecated_with_its_message(ann: JavaBal) -> None:
    await ann.deprecate(GREET, "Use acme/hello.")
    assert ann.printed == [f"package {GREET} marked as deprecated in central successfully"]
    model = await ann.metadata(GREET)
    assert (model["isDeprecated"], model["deprecateMessage"]) == (True, "Use acme/hello.")
    assert not (await ann.metadata("acme/greet:1.1.0"))["isDeprecated"]


async def test_the_answer_is_the_package_as_it_is_now(world: World, ann: JavaBal) -> None:
    await ann.deprecate(GREET, "Use acme/hello.")
    body = b'{"message": "Use acme/hey."}'
    answer = await put(world, body)
    assert answered(answer) == await ann.metadata(GREET)
    assert answered(answer)["deprecateMessage"] == "Use acme/hey."


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (f'{{"message": "{QUOTED}"}}'.encode(), ONE_LINE),  # Nobody escaped it.
        (b'{"message": "Use\nacme/hello."}', "Use acme/hello."),  # A raw newline is allowed.
        (b'{"message":"Use \\"acme/hello\\" \\u2014 now."}', 'Use "acme/hello" \u2014 now.'),
    ],
)
async def test_a_message_is_read_as_somebody_sent_it(
    world: World, ann: JavaBal, body: bytes, message: str
) -> None:
    answered(await put(world, body))
    assert (await ann.metadata(GREET))["deprecateMessage"] == message


@pytest.mark.parametrize("body", [b"nonsense", b"[]", b'{"message": 1}', b'{"message": "open'])
async def test_a_body_that_holds_no_message_is_refused(world: World, body: bytes) -> None:
    refused(await put(world, body), 400)


async def test_the_limit_is_for_the_message_as_it_is_stored(ann: JavaBal) -> None:
    with pytest.raises(ClientFailure, match=r"501\D+500|500\D+501"):
        await ann.deprecate(GREET, "x" * 501)
    longest = "x" * 250 + " " + "y" * 249
    await ann.deprecate(GREET, "  " + longest.replace(" ", " \t\n ") + "\n\n")
    assert (await ann.metadata(GREET))["deprecateMessage"] == longest


async def test_both_clients_warn_when_they_pull(world: World, ann: JavaBal) -> None:
    await ann.deprecate(GREET, "Use acme/hello.")
    for bal in (world.java(), world.go()):
        assert (await bal.pull(GREET)).deprecation == "Use acme/hello."
        assert (await bal.pull("acme/greet:1.1.0")).deprecation is None


async def test_the_headers_hold_one_line_that_every_host_sends(world: World, ann: JavaBal) -> None:
    await ann.deprecate(GREET, "Caf\u00e9\nna\u00efve \u2192 \u4f60.")
    assert (await world.java().pull(GREET)).deprecation == "Cafe naive ? ?."
    assert (await ann.metadata(GREET))["deprecateMessage"] == "Caf\u00e9 na\u00efve \u2192 \u4f60."


async def test_a_star_deprecates_every_version_and_those_to_come(
    world: World, ann: JavaBal
) -> None:
    await ann.deprecate("acme/greet:*", "Gone.")
    assert ann.printed == ["package acme/greet marked as deprecated in central successfully"]
    await world.push(bala("acme/greet:2.0.0"))
    for version in ("1.0.0", "1.1.0", "2.0.0"):
        assert (await ann.metadata(f"acme/greet:{version}"))["deprecateMessage"] == "Gone."
        assert (await world.java().pull(f"acme/greet:{version}")).deprecation == "Gone."


async def test_a_star_is_answered_when_every_version_is_deprecated(ann: JavaBal) -> None:
    await ann.deprecate("acme/greet:*", "Gone.")
    await ann.deprecate("acme/greet:*", "Gone for good.")
    assert "successfully updated" in ann.printed[-1]
    assert (await ann.metadata("acme/greet:*"))["deprecateMessage"] == "Gone for good."


@pytest.mark.parametrize("coordinate", [GREET, "acme/greet:*"])
async def test_undeprecate_ends_a_deprecation(world: World, ann: JavaBal, coordinate: str) -> None:
    await ann.deprecate(coordinate, "Use acme/hello.")
    await ann.undeprecate(coordinate)
    assert "successfully undone" in ann.printed[-1]
    model = await ann.metadata(GREET)
    assert (model["isDeprecated"], model["deprecateMessage"]) == (False, "")
    assert (await world.java().pull(GREET)).deprecation is None


async def test_undoing_one_version_of_a_deprecated_package_says_what_to_undo(ann: JavaBal) -> None:
    await ann.deprecate("acme/greet:*", "Gone.")
    with pytest.raises(ClientFailure, match="deprecated as a whole"):
        await ann.undeprecate(GREET)


async def test_a_range_is_neither_one_version_nor_the_package(world: World) -> None:
    assert "*" in refused(await put(world, path="deprecate/acme/greet/1.*"), 400)


@pytest.mark.parametrize("verb", ["deprecate", "undeprecate"])
@pytest.mark.parametrize("state", ["hold", "quarantine", "remove"])
async def test_a_release_that_is_withheld_is_not_there_to_deprecate(
    world: World, verb: str, state: str
) -> None:
    coordinate = Coordinate.parse("acme", "greet", "1.0.0")
    await getattr(world.registry.publishing.moderation, state)(coordinate, "Bad.", by=OPERATOR)
    before = await world.stores.metadata.find(coordinate)
    for person in (world.people.ann, world.people.admin):
        answer = await put(world, path=f"{verb}/acme/greet/1.0.0", by=person)
        assert refused(answer, 404) == f"package not found for: {GREET}"
    assert await world.stores.metadata.find(coordinate) == before


@pytest.mark.parametrize("verb", ["deprecate", "undeprecate"])
@pytest.mark.parametrize("version", ["9.0.0", "*"])
async def test_the_change_itself_answers_404_in_words_that_the_client_shows(
    world: World, verb: str, version: str
) -> None:
    name = "greet" if version == "9.0.0" else "none"
    answer = await put(world, path=f"{verb}/acme/{name}/{version}")
    assert refused(answer, 404) == f"package not found for: acme/{name}:{version}"


async def test_a_repeated_deprecation_is_one_change(world: World, ann: JavaBal) -> None:
    await ann.deprecate(GREET, "Gone.")
    await ann.deprecate(GREET, "Gone.")
    kinds = [event.kind for _, event in await world.stores.events.since(0, 100)]
    assert kinds.count("release.deprecated") == 1
