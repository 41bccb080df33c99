"""What somebody does to a registry while its process is killed or its stores fail."""

import dataclasses
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from msgspec.structs import replace

from functions.central.central_face import refusal_answer
from functions.faces import build_app
from shared.adapters.bundle_files import BundleFileSource
from shared.bootstrap.build import build_registry
from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import Refusal
from shared.domain.errors.requests import Busy, StorageFull
from shared.domain.principals import OPERATOR
from shared.domain.tokens import Token
from shared.hosting.host import Host
from shared.registry import Registry
from shared.services.maintenance.tasks import TASK_LEASE
from tests.protocol.bal.okhttp import multipart
from tests.support.archives import bala
from tests.support.bundles import Carrier, bundled
from tests.support.port_doubles import Fault
from tests.support.world import World

Act = Callable[[World], Awaitable[httpx.Response]]

LARGE_BYTES = 3_000_000  # Large enough that each part of a push takes its time.
BYSTANDER = "acme/bystander"  # Is there before everything, and nothing may happen to it.

# Calls that take no effect and need no room: a process that ends at one leaves what the call before
# it left.
READS = frozenset(
    {
        "directory.list_by_subject",
        "directory.list_all",
        "directory.read_all",
        "directory.get",
        "directory.list_by_owner",
        "directory.access_context",
        "directory.outboxes",
        "documents.texts",
        "metadata.find",
        "metadata.head",
        "metadata.survey",
        "metadata.records_with_outbox",
    }
)

_TOKENS = "https://registry.test/api/v1/tokens"


@dataclass(frozen=True)
class Scenario:
    """One request of one client, and what was there before it."""

    name: str
    act: Act
    before: tuple[Act, ...] = ()
    package: str = "acme/greet"  # Whose pictures are taken.
    is_private: bool = False  # Then it is looked at by somebody who may see it as well.
    repeated: frozenset[int] = frozenset({200, 204})  # What a repeat may answer when it is done.


def push(coordinate: str, *, by: str = "ann", **spec: object) -> Act:
    """Return a push, as the Java client sends it."""
    archive = bala(coordinate, **spec)

    async def act(world: World) -> httpx.Response:
        return await world.upload(multipart("any.bala", archive), by=getattr(world.people, by))

    return act


def change(verb: str, target: str) -> Act:
    """Return a deprecation or its undoing, by Ann."""

    async def act(world: World) -> httpx.Response:
        path = f"/packages/{verb}/{target.replace(':', '/')}"
        return await world.send("PUT", path, by=world.people.ann, content=b'{"message": "old"}')

    return act


def moderate(verb: Callable[[Registry], Awaitable[object]]) -> Act:
    """Return a use of a service that has no face of its own, answered as a face would."""

    async def act(world: World) -> httpx.Response:
        try:
            await verb(world.registry)
        except Refusal as refusal:
            refused = refusal_answer(refusal)
            return httpx.Response(refused.status, headers=refused.headers, content=refused.body)
        return httpx.Response(200)

    return act


async def issue(world: World) -> httpx.Response:
    content = b'{"name": "laptop", "scopes": ["read"]}'
    return await world.send("POST", _TOKENS, by=world.people.ann, content=content)


async def revoke(world: World) -> httpx.Response:
    """Revoke the token that was issued; an id that is gone is unknown."""
    ann = world.people.ann
    tokens = await world.stores.directory.list_by_owner(Token, ann.account.id)
    laptop = next((each.id for each in tokens if each.name == "laptop"), "gone")
    return await world.send("DELETE", f"{_TOKENS}/{laptop}", by=ann)


def upkeep(task: str) -> Act:
    """Return a maintenance task; whoever died of it holds its lease for a while."""

    async def act(world: World) -> httpx.Response:
        async def run(registry: Registry) -> None:
            report = await registry.maintenance.task_runner.run(task)
            if report is None:
                world.clock.advance(TASK_LEASE)
                report = await registry.maintenance.task_runner.run(task)
            assert report
            if report.problems:
                raise Busy  # It says itself that something has to wait.

        return await moderate(run)(world)

    return act


settle = upkeep("process-outboxes")  # Finishes what a crash left.


def unlisted(push: Act) -> Act:
    """Return a push that a failure ends right after its commit."""

    async def act(world: World) -> httpx.Response:
        stores = world.stores
        full = [Fault("put_entries", StorageFull()), Fault("offer", StorageFull())]
        metadata = full[0].over(stores.metadata)
        search = full[1].over(stores.search)
        broken = build_registry(
            world.registry.settings, replace(stores, metadata=metadata, search=search)
        )
        transport = httpx.ASGITransport(Host(build_app(broken)))
        async with httpx.AsyncClient(transport=transport) as http:
            answer = await push(dataclasses.replace(world, http=http))
        await broken.close()
        assert answer.status_code == 503
        return httpx.Response(200)

    return act


_CARRIED = "carried/first:1.0.0"


async def _import(registry: Registry) -> None:
    with TemporaryDirectory() as folder:
        carrier = Carrier.new(Path(folder))
        carrier.write(*bundled({_CARRIED: bala(_CARRIED)}))
        source = BundleFileSource(carrier.file)
        importing = registry.bundles.importing
        try:
            await importing.run(source, carrier.trusted, progress=lambda *_: None)
        finally:
            source.close()


_GREET = "acme/greet:1.0.0"


def decide(verb: str, *reason: str) -> Act:
    """Return a decision of the operator about a release."""
    coordinate = Coordinate.parse("acme", "greet", "1.0.0")

    async def act(registry: Registry) -> None:
        await getattr(registry.publishing.moderation, verb)(coordinate, *reason, by=OPERATOR)

    return moderate(act)


_pushed = push(_GREET)
_next = push("acme/greet:1.1.0")
_further = push("acme/greet:1.1.0", modules=["sub"], dependencies=[f"{BYSTANDER}:1.0.0"])
_aged = change("deprecate", _GREET)
_aged_wholly = change("deprecate", "acme/greet:*")

SCENARIOS = {
    each.name: each
    for each in (
        Scenario(
            "first push to a new organization",
            push("fresh/first:1.0.0", by="admin"),
            package="fresh/first",
        ),
        Scenario("first push of a package", _pushed),
        Scenario("push of a further version", _further, before=(_pushed,)),
        Scenario("push of a tool", push(_GREET, tools=["hello"])),
        Scenario("push of a large package", push(_GREET, padding=LARGE_BYTES)),
        Scenario("push of a private package", push(_GREET, visibility="private"), is_private=True),
        Scenario("deprecation of a version", _aged, before=(_pushed, _next)),
        Scenario(
            "undeprecation of a version", change("undeprecate", _GREET), before=(_pushed, _aged)
        ),
        Scenario("deprecation of a package", _aged_wholly, before=(_pushed,)),
        Scenario(
            "undeprecation of a package",
            change("undeprecate", "acme/greet:*"),
            before=(_pushed, _aged_wholly),
        ),
        Scenario("hold", decide("hold", "looks odd"), before=(_pushed,)),
        Scenario("quarantine", decide("quarantine", "harmful"), before=(_pushed, _next)),
        Scenario("restoring", decide("restore"), before=(_pushed, decide("hold", "looks odd"))),
        Scenario("removal", decide("remove", "illegal"), before=(_pushed,)),
        Scenario("import of a bundle", moderate(_import), package="carried/first"),
        Scenario("settling after a crash", settle, before=(unlisted(_pushed),)),
        Scenario("issue of a token", issue, repeated=frozenset({201})),
        Scenario("revocation of a token", revoke, before=(issue,), repeated=frozenset({204, 404})),
    )
}
