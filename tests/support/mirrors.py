"""What tests of mirroring do with a mirror and its upstream."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from tempfile import gettempdir
from typing import Any
from urllib.parse import urlsplit

import httpx
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from shared.adapters.fetch_budget import FetchBudget
from shared.adapters.http_fetcher import GuardedFetcher
from shared.adapters.upstream import CentralUpstream
from shared.domain.coordinates import Coordinate
from shared.domain.events import Event
from shared.domain.mirror_rules import MirrorRules
from shared.domain.packages import Release
from shared.domain.principals import OPERATOR
from shared.registry.mirroring import MirroringServices
from shared.services.adapters import Adapters
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.support.event_feed import checked_feed
from tests.support.upstreams import BASE, Behaviour, FakeUpstream
from tests.support.world import URL, Person, World

PULL = dict(ACCEPT_ARCHIVE)
# Of a request that came through this registry before, which asks no upstream again.
CAME_THROUGH_HERE = {"Via": f"1.1 {urlsplit(URL).netloc}"}


def services(mirror: World) -> MirroringServices:
    return mirror.registry.require_mirroring()


async def change(mirror: World, *rules: str, age: str = "", upstreams: str = "") -> None:
    """Store rules as the operator, and wait until all processes follow."""
    changes = services(mirror).rules
    stored = await changes.current(by=OPERATOR)
    given = upstreams.split(",") if upstreams else [each.given for each in stored.upstreams]
    await changes.replace(MirrorRules.parse(given, rules, age.split(",")), by=OPERATOR)
    mirror.clock.advance(timedelta(seconds=6))


async def status(mirror: World, path: str, *, pull: bool = True) -> int:
    return (await mirror.get(path, headers=PULL if pull else {})).status_code


async def release_of(world: World, text: str) -> Release:
    """Return a stored release."""
    found = (await world.stores.metadata.find(Coordinate.from_text(text))).release
    assert found is not None
    return found


async def events_of(world: World, *kinds: str) -> list[Event]:
    return [each for each in await checked_feed(world.stores.events) if each.kind in kinds]


async def drained(mirror: World) -> None:
    """Wait for what instances do behind their answers."""
    for each in mirror.instances:
        await each.require_mirroring().reader.cache.drain()
        await each.require_mirroring().refreshing.drain()


async def resolve(mirror: World, *wanted: str, by: Person | None = None) -> httpx.Response:
    """Send requests of a build, such as `octo/lib:1.0.0 soft`."""
    packages = []
    for each in wanted:
        coordinate, _, mode = each.partition(" ")
        package, _, version = coordinate.partition(":")
        org, _, name = package.partition("/")
        packages.append({"org": org, "name": name, "version": version, "mode": mode or "soft"})
    body = {"packages": packages}
    return await mirror.send("POST", "/packages/resolve-dependencies", json=body, by=by)


def named(answer: httpx.Response) -> list[str]:
    """Return what a build gets."""
    found = answer.json()["resolved"]
    return [f"{each['org']}/{each['name']}:{each['version']}" for each in found]


async def resolved(mirror: World, *wanted: str, by: Person | None = None) -> list[str]:
    return named(await resolve(mirror, *wanted, by=by))


async def modules(mirror: World, *names: str) -> list[str]:
    """Return the packages in which a build finds modules of organizations."""
    wanted = [
        dict(zip(("organization", "moduleName"), each.split("/"), strict=True)) for each in names
    ]
    answer = await mirror.send("POST", "/packages/resolve-modules", json={"modules": wanted})
    return [f"{each['packageName']}:{each['version']}" for each in answer.json()["resolvedModules"]]


def answering(response: Response) -> Behaviour:
    """Return a behaviour that always answers so."""

    async def behave(_request: Request) -> Response:
        return response

    return behave


broken = answering(Response("broken", 500))


def waiting(upstream: FakeUpstream) -> Behaviour:
    """Return a behaviour that waits for the gate of the upstream."""

    async def behave(_request: Request) -> None:
        await asyncio.to_thread(upstream.gate.wait, 20)

    return behave


def connecting(
    url: str, documents: Any = None, archives: Any = None, **options: Any
) -> Callable[[Adapters], Adapters]:
    """Return a `wrap` for a world that reaches the upstream in another way."""
    host = urlsplit(url).netloc
    fetcher = documents or GuardedFetcher([host])

    def wrap(stores: Adapters) -> Adapters:
        given: dict[str, Any] = {
            "budget": FetchBudget(Path(gettempdir())),
            "clock": stores.clock,
        } | options
        asked = CentralUpstream(
            host,
            url + BASE,
            documents=fetcher,
            archives=archives or fetcher,
            pseudonym="registry.test",
            **given,
        )
        return replace(stores, connect_upstream=lambda _: asked)

    return wrap
