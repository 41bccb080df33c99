"""PyPI 2024 and crates.io 2025: secrets that somebody sent are found in logs, errors and stores.

A token is planted in every header, cookie, query, path and body of requests to every route, by
strangers, by somebody who has another token and by somebody who is signed in. It comes out nowhere:
in no answer, no log line, no event and no stored record.
"""

import json
import sqlite3
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import chain, product

import azure.functions as func
import httpx
import pytest

from functions.account.sign_in import SignInPages
from functions.api.api_face import ApiFace
from functions.api.openapi import OPERATIONS
from functions.central.central_face import CentralFace
from functions.http.calls import Call
from functions.http.operations import blueprint_of
from shared.auth.access_tokens import AccessToken
from shared.auth.secrets import Secret
from shared.hosting.host import Host
from shared.registry import Registry
from shared.runtime.answers import Answer
from shared.telemetry.log import configure
from tests.fakes.system import FakeRandomness
from tests.protocol.bal.okhttp import FORM, multipart
from tests.sampling import FULL
from tests.security.limits import UNREACHED_LIMITS
from tests.security.request_bodies import body_of
from tests.security.routes import addresses_with, routes
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.operations import declare_change
from tests.support.world import URL, OpenWorld, World, limited

PLANTED = AccessToken.mint("local", "0123456789", FakeRandomness("planted")).text.reveal()
# What identifies it without its first letters: a text that is cut off is found as well.
CORE = PLANTED[20:52]

QUERIES = (
    "q",
    "query",
    "org",
    "user-packages",
    "sort",
    "limit",
    "offset",
    "readme",
    "after",
    "since",
    "code",
    "state",
    "next",
    "return",
    "error",
    "error_description",
    "ballerina_version",
    "core",
    "before",
    "count",
    "rows",
    "start",
    "wt",
    "expires",
    "signature",
    "user_code",
    "page",
)
SIGNED_IN = ("account", "dashboard", "device", "manage", "orgs", "sign-in", "sign-out")
HEADERS = (
    "User-Agent",
    "Referer",
    "Origin",
    "Accept",
    "Accept-Language",
    "Accept-Encoding",
    "Range",
    "If-None-Match",
    "If-Modified-Since",
    "Ballerina-Platform",
    "Digest",
    "X-Request-Id",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "Forwarded",
    "X-CSRF-Token",
    "Proxy-Authorization",
    "X-Api-Key",
    "Traceparent",
    "Github-Public-Key-Identifier",
    "Github-Public-Key-Signature",
    "Content-Type",
    "Cache-Control",
)


@pytest.fixture
async def open_to_all(worlds: OpenWorld) -> World:
    """Return a registry that looks at every request, and writes everything down."""
    world = await worlds(log_level="debug", **UNREACHED_LIMITS)
    await world.push(bala("acme/secret:1.0.0"))
    return world


@dataclass(frozen=True)
class Caller:
    """Somebody who sends requests: what proves who it is, and what goes into forms."""

    headers: Mapping[str, str]
    csrf: str = PLANTED

    @property
    def cookie(self) -> str:
        """Return cookies that hold the token, besides those of a session."""
        names = ("ballroom-local", "ballroom-csrf", "other")
        own = self.headers.get("Cookie", f"__Host-ballroom={PLANTED}")
        return "; ".join([own, *(f"{name}={PLANTED}" for name in names)])


async def holder(world: World) -> list[Caller]:
    """Return somebody with a token of their own."""
    # Not used before, so that the first use that is noted is one with the other token planted.
    mine = await limited(world, world.people.ann)
    return [Caller({"Authorization": f"Bearer {mine.token}"})]


async def signed_in_person(world: World) -> list[Caller]:
    """Return somebody who is signed in, with what proves that a form is ours."""
    browser = await signed_in(world, world.people.ann)
    headers = {"Cookie": f"__Host-ballroom={browser.session}", "X-CSRF-Token": browser.csrf}
    return [Caller(headers, browser.csrf)]


async def strangers(_world: World) -> list[Caller]:
    """Return those whose only token is the planted one."""
    pair = b64encode(f"{PLANTED}:{PLANTED}".encode()).decode()
    return [Caller({"Authorization": sent}) for sent in (f"Bearer {PLANTED}", f"Basic {pair}")]


Make = Callable[[], httpx.Request]
Who = Callable[[World], Awaitable[list[Caller]]]


def planted_everywhere(method: str, url: str, caller: Caller) -> Iterator[Make]:
    """Yield how to make requests to a route that carry the token everywhere."""
    own = dict(caller.headers)
    request = partial(httpx.Request, method, url)
    yield partial(request, headers=dict.fromkeys(HEADERS, PLANTED) | own)
    yield partial(request, headers=own | {"Cookie": caller.cookie})
    yield partial(request, headers=own, params=dict.fromkeys(QUERIES, PLANTED))
    for address in addresses_with(PLANTED, url):
        yield partial(httpx.Request, method, address, headers=own)
    for content_type, body in bodies(caller.csrf):
        headers = own | {"Content-Type": content_type}
        yield partial(request, headers=headers, content=body)


def planted(addresses: Iterable[tuple[str, str]], who: Who, caller: Caller) -> Iterator[Make]:
    """Yield how to make requests to all routes: with the token everywhere to those that let this
    caller in, and in one place after the other to all else. Whole tables have it everywhere."""
    for number, (method, url) in enumerate(addresses):
        made = list(planted_everywhere(method, url, caller))
        yield from made if FULL or comes_in(url) is who else [made[number % len(made)]]


def comes_in(url: str) -> Who:
    """Return who gets furthest at a route."""
    face = url.removeprefix(URL).split("/")[1]
    if face in ("api", "2.0"):
        return holder
    return signed_in_person if face in SIGNED_IN else strangers


def bodies(csrf: str) -> Iterator[tuple[str, bytes]]:
    """Yield bodies of every kind that some route reads, full of the token."""
    text = dict.fromkeys((*QUERIES, "name", "message", "account", "email"), PLANTED)
    items = [{"org": PLANTED, "name": PLANTED, "version": PLANTED, "id": PLANTED}]
    lists = {"packages": items, "modules": items, "tools": items}
    yield "application/json", json.dumps(text | lists).encode()
    yield "application/json", json.dumps(PLANTED).encode()
    yield "application/json", f'{{"{PLANTED}": '.encode()
    form = "&".join(f"{name}={PLANTED}" for name in text)
    yield "application/x-www-form-urlencoded", f"csrf={csrf}&{form}".encode()
    yield FORM["Content-Type"], multipart(f"{PLANTED}.bala", PLANTED.encode())
    yield "text/plain", PLANTED.encode()


def planted_in_fields() -> Iterator[httpx.Request]:
    """Make requests to our API that are right but for the token in one text."""
    for operation in OPERATIONS:
        right = json.loads(body_of(operation) or b"null")
        if not isinstance(right, dict):
            continue
        url = f"{URL}/{operation.route}".replace("{org}", "acme").replace("{name}", "secret")
        for field, value in right.items():
            wrong = [PLANTED] if isinstance(value, list) else PLANTED
            body = json.dumps({**right, field: wrong})
            yield httpx.Request(operation.methods[0], url, content=body.encode())


async def sent(world: World, request: httpx.Request) -> str:
    answer = await world.http.send(request)
    return f"{answer.status_code} {answer.headers} {answer.text}"


@pytest.mark.parametrize("who", [holder, signed_in_person, strangers])
async def test_a_planted_token_comes_out_nowhere(
    open_to_all: World, who: Who, capfd: pytest.CaptureFixture[str]
) -> None:
    world = open_to_all
    answers: list[str] = []
    for caller in await who(world):
        for make in planted(sorted(set(routes(world.registry))), who, caller):
            answers.append(await sent(world, make()))
        for request in planted_in_fields():
            request.headers.update(caller.headers)
            answers.append(await sent(world, request))
    await world.registry.identity.authentication.close()
    assert [answer for answer in answers if CORE in answer] == []
    assert [answer for answer in answers if answer.startswith("500")] == []
    await check_stores(world)
    assert sum('"event":"request"' in line for line in check_log(capfd)) > 1000


async def broken(call: Call) -> Answer:
    """Break with secrets in its hands, as a bug would."""
    sent = call.headers["authorization"].split()
    held = (sent, call.content(), Secret(sent[-1]))
    raise RuntimeError(len(held))


def broken_app(registry: Registry) -> Host:
    """Serve a Function that breaks for each kind of face."""
    faces = {"api": ApiFace(), "central": CentralFace(), "page": SignInPages()}
    for name, face in faces.items():
        declare_change(face, broken, f"break/{name}", f"break_{name}")
    app = func.FunctionApp()
    app.register_functions(blueprint_of(chain.from_iterable(faces.values()), registry))
    return Host(app)


@pytest.mark.parametrize("secret", [PLANTED, f"no token, but {CORE}"])
async def test_a_secret_in_the_hands_of_what_breaks_comes_out_nowhere(
    worlds: OpenWorld, secret: str, capfd: pytest.CaptureFixture[str]
) -> None:
    world = await worlds(log_level="debug", host=broken_app)
    for name, scheme in product(("api", "central", "page"), ("Bearer", "Basic", "Token")):
        sent = {"Authorization": f"{scheme} {secret}", "Proxy-Authorization": f"Bearer {secret}"}
        content = f'{{"password":"{secret}"}}'.encode()
        answer = await world.send("POST", f"{URL}/break/{name}", headers=sent, content=content)
        assert answer.status_code == 500
        assert CORE not in f"{answer.headers} {answer.text}"
    lines = check_log(capfd)
    assert sum('"event":"request.broken"' in line for line in lines) == 9


def check_log(capfd: pytest.CaptureFixture[str]) -> list[str]:
    """Look through all that was logged; afterwards the log is as quiet as in other tests."""
    configure("warning")
    said = capfd.readouterr()
    lines = (said.err + said.out).splitlines()
    assert [line for line in lines if CORE in line] == []
    return lines


async def check_stores(world: World) -> None:
    """Look through all events, and all that lies in the data folder."""
    feed = await world.stores.events.since(0, 100_000)
    assert [event for _, event in feed if CORE in event.model_dump_json()] == []
    folder = world.registry.settings.data
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert any(file.suffix == ".db" for file in files), files
    assert [file.name for file in files if CORE.encode() in file.read_bytes()] == []
    for file in files:
        if file.suffix == ".db":
            # Every row, with what its log has not written back yet.
            with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
                assert CORE not in "\n".join(connection.iterdump()), file
