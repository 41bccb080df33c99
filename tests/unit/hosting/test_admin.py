"""A timer is fired by hand from this machine, and from nowhere else."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from azure.functions.timer import TimerRequest
from starlette.types import Receive, Scope, Send

from shared.hosting.admin import Admin
from shared.hosting.loading import TimerFunction
from shared.hosting.timing import Timers
from tests.fakes.clock import FakeClock
from tests.unit.hosting.asgi import Exchange, ask, scope


@dataclass
class Bell:
    """A timer that tells when it ran."""

    rung: asyncio.Event = field(default_factory=asyncio.Event)

    async def ring(self, _request: TimerRequest) -> None:
        self.rung.set()


async def elsewhere(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def admin(bell: Bell, folder: Path) -> Admin:
    function = TimerFunction("upkeep_sweep", "0 0 3 * * *", bell.ring)
    return Admin(elsewhere, Timers([function], folder, FakeClock()))


async def post(
    app: Admin,
    target: str = "/admin/functions/upkeep_sweep",
    body: bytes = b"{}",
    headers: Mapping[str, str] | None = None,
    client: str = "127.0.0.1",
) -> Exchange:
    sent = {"Content-Length": str(len(body)), **(headers or {})}
    return await ask(app, scope("POST", target, sent, client=client), body)


@pytest.mark.parametrize("client", ["127.0.0.1", "127.8.8.8", "::1"])
async def test_a_timer_is_fired_from_this_machine(tmp_path: Path, client: str) -> None:
    bell = Bell()
    answer = await post(admin(bell, tmp_path), client=client)
    assert (answer.status, answer.body) == (202, b"")
    async with asyncio.timeout(30):
        await bell.rung.wait()


async def test_nobody_else_fires_it(tmp_path: Path) -> None:
    app = admin(Bell(), tmp_path)
    assert (await post(app, client="192.0.2.1")).status == 401
    for relayed in ("X-Forwarded-For", "Forwarded", "Origin"):
        assert (await post(app, headers={relayed: "somebody"})).status == 401


async def test_what_cannot_be_fired_is_not_found(tmp_path: Path) -> None:
    assert (await post(admin(Bell(), tmp_path), "/admin/functions/other")).status == 404


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"x" * 70_000])
async def test_a_body_that_is_no_object_is_refused(tmp_path: Path, body: bytes) -> None:
    assert (await post(admin(Bell(), tmp_path), body=body)).status == 400


async def test_every_other_request_goes_to_the_application(tmp_path: Path) -> None:
    app = admin(Bell(), tmp_path)
    assert (await post(app, "/search")).status == 418
    assert (await ask(app, scope("GET", "/admin/functions/upkeep_sweep"))).status == 418


async def test_a_client_that_leaves_before_its_body_fires_nothing(tmp_path: Path) -> None:
    bell = Bell()
    request = scope("POST", "/admin/functions/upkeep_sweep", {"Content-Length": "2"})
    exchange = Exchange([], [])
    await admin(bell, tmp_path)(request, exchange.receive, exchange.send)
    assert not exchange.sent
    assert not bell.rung.is_set()
