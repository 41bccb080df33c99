"""Tokens are checked on every call; an invalid one is refused on public reads as well."""

import re
from datetime import timedelta

import pytest

from functions.faces import build_app
from shared.hosting.triggers import functions_of
from tests.protocol.bal.okhttp import multipart
from tests.protocol.central.answers import refused
from tests.support.archives import bala
from tests.support.world import OpenWorld, World

GREET = "acme/greet:1.0.0"
CALLS = [
    ("GET", "/packages", b""),
    ("GET", "/packages/?q=greet", b""),
    ("GET", "/packages/acme", b""),
    ("GET", "/packages/acme/greet", b""),
    ("GET", "/packages/acme/greet/1.0.0", b""),
    ("GET", "/search-packages?q=greet", b""),
    ("GET", "/search-suggestions?q=greet", b""),
    ("GET", "/search-symbols?q=greet", b""),
    ("GET", "/tools?q=greet", b""),
    ("GET", "/tools/greet", b""),
    ("GET", "/connectors", b""),
    ("GET", "/triggers", b""),
    ("GET", "/connectors/42", b""),
    ("POST", "/packages/resolve-dependencies", b"{}"),
    ("POST", "/packages/resolve-modules", b"{}"),
    ("POST", "/tools/resolve-dependencies", b"{}"),
    ("PUT", "/packages/deprecate/acme/greet/1.0.0", b'{"message": "x"}'),
    ("PUT", "/packages/undeprecate/acme/greet/1.0.0", b"{}"),
    ("POST", "/packages", multipart("greet.bala", b"archive")),
]
NOT_TOKENS = [
    "Bearer nonsense",
    "Bearer ",
    "Bearer",
    "bearer blr_local_0000000000",
    "Basic bm9ib2R5OnNlY3JldA==",
    "Basic not-base64",
    "Negotiate xyz",
]


@pytest.fixture(scope="module")
async def greet(shared_worlds: OpenWorld) -> World:
    """Return a registry with a package, which no test changes."""
    world = await shared_worlds()
    await world.push(bala(GREET))
    return world


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
async def test_an_invalid_token_is_401_on_every_call(
    greet: World, method: str, path: str, body: bytes
) -> None:
    headers = {"Authorization": "Bearer nonsense"}
    answer = await greet.send(method, path, headers=headers, content=body)
    assert "token" in refused(answer, 401)


@pytest.mark.parametrize("value", NOT_TOKENS)
async def test_whatever_is_there_and_is_no_token_is_401(greet: World, value: str) -> None:
    headers = {"Authorization": value}
    message = refused(await greet.get("/packages/acme/greet/1.0.0", headers=headers), 401)
    assert "nonsense" not in message


async def test_an_expired_token_is_401_and_says_so(world: World) -> None:
    world.clock.advance(timedelta(days=91))
    message = refused(await world.get("/packages", by=world.people.ann), 401)
    assert "expired" in message


async def test_the_refusal_never_holds_the_token(world: World) -> None:
    text = world.people.ann.token[:-1] + "x"
    answer = await world.get("/packages", headers={"Authorization": f"Bearer {text}"})
    assert text not in refused(answer, 401)


async def test_a_token_works_on_every_read(world: World) -> None:
    await world.push(bala(GREET))
    for method, path, body in CALLS:
        answer = await world.send(method, path, by=world.people.ann, content=body)
        assert answer.status_code != 401, path


def calls_of_the_face(world: World) -> list[tuple[str, str]]:
    """Return a method and a path for every Function of the face that reads credentials."""
    found: list[tuple[str, str]] = []
    for each in functions_of(build_app(world.registry)).http:
        template = each.route.template.text
        path = re.sub(r"/\{\w+\?\}", "", template).replace("{version}", "1.0.0")
        path = re.sub(r"\{\*?\w+\}", "x", path)
        methods = (each.route.methods or frozenset()) - {"OPTIONS"}
        if template.startswith("2.0/registry"):
            found += [(method, path.removeprefix("2.0/registry")) for method in methods]
    return found


async def test_no_function_of_the_face_forgets_to_look_at_the_token(worlds: OpenWorld) -> None:
    world = await worlds(limit_failure="address=1000")
    calls = calls_of_the_face(world)
    assert len(calls) >= len(CALLS) - 2  # Two of them differ in their query alone.
    for method, path in calls:
        headers = {"Authorization": "Bearer nonsense"}
        assert (await world.send(method, path, headers=headers, content=b"{}")).status_code == 401
