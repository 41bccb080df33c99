"""No operation takes a body above 128 KiB, but those that take archives."""

import re

import pytest

from functions.faces import operations
from functions.http.operations import Operation
from shared.domain.body_sizes import MAX_BODY_BYTES
from shared.settings import Settings
from tests.sampling import with_repeats
from tests.support.archives import bala
from tests.support.world import BASE, MAVEN, URL, OpenWorld, World

pytestmark = pytest.mark.each_row

LARGE = b" " * (MAX_BODY_BYTES + 1)
SENTENCE = "only uploads of archives may have more than 131,072"
RESOLVE = f"{BASE}/packages/resolve-dependencies"
LARGE_ARCHIVE = bala("acme/large:1.0.0", padding=2 * MAX_BODY_BYTES)
OPERATIONS = operations(Settings())
# The language server takes an error status for a crash.
ANSWERS_200 = {"central_graphql"}


@pytest.fixture
async def world(shared_worlds: OpenWorld) -> World:
    return await shared_worlds()


def address(operation: Operation) -> str:
    """Return an address that the operation answers."""
    route = operation.route.removeprefix("/")
    route = route.replace("{*rest:regex(^registry//)}", "registry//packages/a/b")
    return f"{URL}/{re.sub(r'[{].*?[}]', '1', route)}"


# One place refuses the body, before the face is asked; what differs is how a face says it.
@pytest.mark.parametrize(
    "operation",
    with_repeats(
        [e for e in OPERATIONS if not e.accepts_archive and e.most_bytes == MAX_BODY_BYTES],
        lambda each: (type(each.face), each.methods[-1]),
        lambda each: (each.ignores_credentials, each.uses_answer_cache),
        lambda each: each.respond,
        lambda each: each.name in ANSWERS_200,
    ),
    ids=lambda each: each.name,
)
async def test_every_other_operation_refuses_a_large_body(
    world: World, operation: Operation
) -> None:
    method = operation.methods[-1]
    answer = await world.http.request(method, address(operation), content=LARGE)
    assert answer.status_code == (200 if operation.name in ANSWERS_200 else 413)
    if method != "HEAD":
        assert SENTENCE in answer.text


async def test_the_largest_body_is_taken(world: World) -> None:
    content = b"{}".ljust(MAX_BODY_BYTES)
    assert (await world.http.post(RESOLVE, content=content)).status_code == 200


async def test_bal_shows_why_a_large_body_is_refused(world: World) -> None:
    # It prints the message of a 400, and none of a 413.
    headers = {"User-Agent": "2201.12.0"}
    answer = await world.http.post(RESOLVE, content=LARGE, headers=headers)
    assert answer.status_code == 400
    assert SENTENCE in answer.json()["message"]


async def test_archives_may_be_larger(worlds: OpenWorld) -> None:
    world = await worlds()
    await world.push(LARGE_ARCHIVE)
    url = f"{MAVEN}/acme/large/1.0.1/large-1.0.1.bala"
    content = bala("acme/large:1.0.1", padding=2 * MAX_BODY_BYTES)
    answer = await world.send("PUT", url, by=world.people.ann, content=content)
    assert answer.status_code == 201
