"""No request outlives its answer, with the garbage collector off."""

import asyncio
import dataclasses
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import azure.functions as func
import httpx
import pytest
from msgspec.structs import replace

from functions.http.answer_caching import recognizer
from shared.domain.principals import OPERATOR
from shared.hosting.host import AnswerCacheOptions, Host
from shared.hosting.request_bodies import BodySender, HostLimits
from shared.hosting.triggers import FunctionCall
from shared.registry import Registry
from tests.lazy_app import lazy_functions
from tests.protocol.bal.okhttp import BOUNDARY, FORM, gson, multipart
from tests.support.archives import bala
from tests.support.server import served_app
from tests.support.waiting import eventually
from tests.support.world import URL, OpenWorld, World

pytestmark = pytest.mark.usefixtures("uncollected")

GREET = "acme/greet:1.0.0"
LIMIT = 100_000
PUSH = "/2.0/registry/packages"
TOKENS = "/api/v1/tokens"
GRAPHQL = "/2.0/graphql"
ARCHIVE = bala(GREET, padding=10_000)
WHOLE = multipart("greet.bala", ARCHIVE)
PART = f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n".encode()
PAGE_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class Watch:
    """The requests that reached a Function, by weak references."""

    limits: HostLimits = field(default_factory=HostLimits)
    requests: list["weakref.ref[Any]"] = field(default_factory=list["weakref.ref[Any]"])

    def host(self, registry: Registry) -> Host:
        """Serve the registry, and note each request."""
        app = lazy_functions(registry)
        return Host(
            replace(app, http=[replace(each, call=self._noting(each.call)) for each in app.http]),
            answer_cache=AnswerCacheOptions(registry.adapters.edition, recognizer(registry)),
            limits=self.limits,
            identify=_by_token,
        )

    def _noting(self, call: FunctionCall) -> FunctionCall:
        async def noting(req: func.HttpRequest) -> object:
            self.requests.append(weakref.ref(req))
            return await call(req)

        return noting

    def check(self) -> None:
        """Check that there were requests, and that all of them are gone."""
        assert self.requests
        assert self.are_gone()

    def are_gone(self) -> bool:
        return not any(each() for each in self.requests)


async def _by_token(headers: Mapping[str, str], _path: str) -> BodySender:
    return BodySender(account=headers.get("authorization", ""))


@dataclass(frozen=True)
class Sent:
    """A request with a body, and the status that answers it; Ann sends it with her token."""

    status: int
    method: str
    path: str
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    is_anns: bool = True

    async def to(self, world: World, at: str = URL) -> None:
        """Send it twice, the second time to a Function that is warm."""
        token = {"Authorization": f"Bearer {world.people.ann.token}"} if self.is_anns else {}
        headers = {**token, **self.headers}
        answers = [
            await world.http.request(
                self.method, at + self.path, content=self.content, headers=headers
            )
            for _ in range(2)
        ]
        assert answers[-1].status_code == self.status, answers[-1].text


def push(
    status: int, content: bytes = WHOLE, headers: Mapping[str, str] = FORM, *, is_anns: bool = True
) -> Sent:
    return Sent(status, "POST", PUSH, content, headers, is_anns)


def put(
    status: int, content: bytes = ARCHIVE, file: str = "greet-1.0.0.bala", **options: Any
) -> Sent:
    return Sent(status, "PUT", f"/2.0/maven/acme/greet/1.0.0/{file}", content, **options)


WRONG = {"Authorization": "Bearer nonsense"}
REFUSED = {
    "push without a token": push(401, is_anns=False),
    "push with a wrong token": push(401, headers={**FORM, **WRONG}),
    "push to an organization of others": push(400, multipart("x", bala("other/greet:1.0.0"))),
    "push of no form": push(400, headers={}),
    "push without the part": push(400, multipart("x", ARCHIVE, part="other")),
    "push that was cut off": push(400, WHOLE[:-40]),
    "push with a damaged form": push(400, WHOLE.replace(b"\r\n\r\n", b"\n\n")),
    "push of many parts": push(400, PART * 20),
    "push of no archive": push(400, multipart("x", b"x" * 10_000)),
    "push of a cut archive": push(400, multipart("x", ARCHIVE[:-100])),
    "push above the limit": push(400, multipart("x", b"x" * (LIMIT + 1))),
    "PUT without a token": put(401, is_anns=False),
    "PUT with a wrong token": put(401, headers=WRONG),
    "PUT of another version": put(400, bala("acme/greet:2.0.0")),
    "PUT of no archive": put(400, b"x" * 10_000),
    "PUT above the limit": put(413, b"x" * (LIMIT + 1)),
    "PUT of the SBOM of a missing release": put(404, b"{}", file="greet-1.0.0.cdx.json"),
    "API with no JSON": Sent(400, "POST", TOKENS, b"{"),
    "API with a wrong field": Sent(400, "POST", TOKENS, b'{"name": 1}'),
    "API with a token in the body": Sent(400, "POST", TOKENS, b'{"name": "TOKEN"}'),
    "API without a token": Sent(
        401, "POST", TOKENS, b'{"name": "x", "scopes": ["read"]}', is_anns=False
    ),
    "API above the limit": Sent(413, "POST", TOKENS, b" " * 5_000_000),
    "GraphQL with no JSON": Sent(200, "POST", GRAPHQL, b"{"),
    "GraphQL that is too deep": Sent(200, "POST", GRAPHQL, gson({"query": "{a" * 99})),
    "resolve with no JSON": Sent(400, "POST", f"{PUSH}/resolve-dependencies", b"{"),
    "resolve of many": Sent(400, "POST", f"{PUSH}/resolve-modules", b'{"modules":' + b"[" * 99),
    "deprecation with no JSON": Sent(400, "PUT", f"{PUSH}/deprecate/acme/greet/1.0.0", b"["),
    "form of nobody": Sent(401, "POST", "/account/tokens", b"name=x", PAGE_FORM, False),
    "form that is none": Sent(400, "POST", "/sign-in/link", b"\xff", PAGE_FORM, False),
    "no such page": Sent(404, "POST", "/nothing", b"x" * 10_000),
    "method that is not taken": Sent(405, "DELETE", PUSH, b"x" * 10_000),
}


LIMITED = {"limit_push": "token=1", "limit_token_issue": "account=1"}
OTHER = multipart("other.bala", bala("acme/other:1.0.0"))


@pytest.mark.parametrize(
    "sent",
    [push(429), put(429), Sent(429, "POST", TOKENS, b'{"name": "x", "scopes": ["read"]}')],
    ids=["push", "PUT", "API"],
)
async def test_a_request_above_a_rate_limit_is_forgotten(worlds: OpenWorld, sent: Sent) -> None:
    watch = Watch()
    world = await worlds(host=watch.host, **LIMITED)
    await push(204, OTHER).to(world)
    await sent.to(world)
    watch.check()


@pytest.mark.parametrize("sent", [push(503), put(503)], ids=["push", "PUT"])
async def test_an_upload_in_read_only_mode_is_forgotten(worlds: OpenWorld, sent: Sent) -> None:
    watch = Watch()
    world = await worlds(host=watch.host)
    await world.registry.limits.notices.enter_read_only_mode("moving house", by=OPERATOR)
    await sent.to(world)
    watch.check()


NO_ROOM = HostLimits(small_body_bytes=4, large_bodies=0, room_seconds=0.01)
FEW_OF_NOBODY = HostLimits(small_body_bytes=4, anonymous_body_bytes=4)
DECIDED_BY_THE_HOST = {
    "answered push": (HostLimits(), push(204)),
    "push in pieces": (HostLimits(), push(411, headers={**FORM, "Transfer-Encoding": "chunked"})),
    "push while all room is taken": (NO_ROOM, push(503)),
    "PUT while all room is taken": (NO_ROOM, put(503)),
    "large push of nobody": (FEW_OF_NOBODY, push(401, is_anns=False)),
    "large PUT of nobody": (FEW_OF_NOBODY, put(401, is_anns=False)),
}


@pytest.mark.parametrize(("limits", "sent"), DECIDED_BY_THE_HOST.values(), ids=DECIDED_BY_THE_HOST)
async def test_a_request_is_forgotten_whatever_the_host_decides(
    worlds: OpenWorld, limits: HostLimits, sent: Sent
) -> None:
    watch = Watch(limits)
    await sent.to(await worlds(host=watch.host))
    watch.check()


async def test_an_upload_that_breaks_the_registry_is_forgotten(worlds: OpenWorld) -> None:
    watch = Watch()
    world = await worlds(host=watch.host)
    await world.registry.close()
    await push(500).to(world)
    await world.registry.adapters.close()  # The push opened the stores again.
    watch.check()


async def test_a_refused_request_is_forgotten_while_its_connection_stays_open(
    worlds: OpenWorld,
) -> None:
    watch = Watch()
    world = await worlds(max_archive_bytes=LIMIT)
    with served_app(watch.host(world.registry)) as address:
        async with httpx.AsyncClient(trust_env=False) as http:
            for sent in REFUSED.values():
                await sent.to(dataclasses.replace(world, http=http), address.url)
                await asyncio.to_thread(eventually, watch.are_gone)
    assert watch.requests
