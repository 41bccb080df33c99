"""/api/v1/orgs/{org}/webhooks and /api/v1/webhooks: events as signed requests to a receiver."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from shared.adapters.http_fetcher import MAX_BYTES, GuardedFetcher
from shared.domain.coordinates import Package
from shared.domain.entities import Place
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.requests import Busy
from shared.domain.events import Event
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.domain.scopes import Role
from shared.domain.versions import Version
from shared.domain.visibility import Visibility
from shared.domain.webhooks import (
    BACK_OFF,
    MAX_ANSWER,
    MAX_WAITING,
    DeliveryLog,
    ReceiverHosts,
    parse_receiver,
)
from shared.ports.http_client import HttpClient, HttpResponse, Unanswered
from shared.services.administration.reachability import ServerKind
from shared.services.organizations.webhooks import MAX_WEBHOOKS
from shared.services.tokens.tokens import OfOrganization, TokenRequest
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.port_doubles import Fault
from tests.support.receivers import Receiver, receiving
from tests.support.world import URL, OpenWorld, Person, Template, World, limited

pytestmark = pytest.mark.measured

PATH = "/api/v1/orgs/acme/webhooks"
OF_REGISTRY = "/api/v1/webhooks"
HOOKS = URL + PATH


NOT_CONNECTED = (
    "No connection. A receiver has a public address and answers by https. If this registry calls "
    "others through a proxy, the proxy lets it through."
)


@pytest.fixture
async def world(worlds: OpenWorld) -> World:
    """Return a registry that may call this machine."""
    return await worlds(inside_hosts="127.0.0.1")


async def add(
    world: World, url: str, *events: str, by: Person | None = None, at: str = PATH
) -> dict[str, Any]:
    """Add a webhook in the browser of an owner who has just signed in."""
    browser = await signed_in(world, by or world.people.ann)
    answer = await browser.api("POST", at, {"url": url, "events": events})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def deliver(world: World) -> None:
    assert await world.registry.maintenance.task_runner.run("deliver-webhooks")


async def shown(world: World, webhook: str) -> list[dict[str, Any]]:
    """Return the last deliveries of a webhook, newest first."""
    answer = await world.get(f"{HOOKS}/{webhook}", by=world.people.ann)
    return answer.json()["deliveries"]


TOPICS = {
    "release": ["release.published"],
    "deprecation": ["release.deprecated", "release.undeprecated"],
    "withdrawal": ["release.quarantined", "package.private"],
    "member": ["member.set"],
    "token": ["token.issued"],
}


async def test_a_webhook_gets_the_events_of_its_topics(world: World, receiver: Receiver) -> None:
    await world.push(bala("acme/greet:0.1.0"))  # Before the webhooks are there.
    for topic in ("audit", *TOPICS):
        await add(world, f"{receiver.url}/{topic}", topic)
    ann = world.people.ann
    registry = world.registry
    acme = parse_org("acme")
    greet = Package.parse("acme", "greet")
    bob = world.people.bob.account
    await world.push(bala("acme/greet:1.0.0"))
    await world.java(ann).deprecate("acme/greet:1.0.0", "old")
    await world.java(ann).undeprecate("acme/greet:1.0.0")
    wanted = TokenRequest.parse("ci", ["read"], org="acme", package="*", days=30)
    await registry.tokens.access_tokens.issue(OfOrganization(acme), wanted, by=OPERATOR)
    await registry.organizations.memberships.set_member(acme, bob, Role.MEMBER, by=OPERATOR)
    release = greet.at(Version.parse("1.0.0"))
    await registry.publishing.moderation.quarantine(release, "malware", by=OPERATOR)
    await registry.packages.visibility.change(greet, Visibility.PRIVATE, by=world.fresh(ann))
    await deliver(world)
    kinds: dict[str, list[str]] = {}
    for each in receiver.received:
        kinds.setdefault(topic := each.path.removeprefix("/hook/"), []).append(each.data["kind"])
        assert ("credential" in each.data) == (topic == "audit")
    every = [kind for of_topic in TOPICS.values() for kind in of_topic]
    assert sorted(kinds.pop("audit")) == [*sorted(every), *["webhook.added"] * (len(TOPICS) + 1)]
    assert kinds == TOPICS


async def test_events_of_a_private_package_go_to_its_organization_and_the_registry_alone(
    world: World, receiver: Receiver
) -> None:
    people = world.people
    url = receiver.url
    await add(world, f"{url}/acme", "release")
    await add(world, f"{url}/other", "release", by=people.bob, at=PATH.replace("acme", "other"))
    await add(world, f"{url}/registry", "release", by=people.admin, at=OF_REGISTRY)
    await world.push(bala("acme/secret:1.0.0", visibility="private"))
    await deliver(world)
    assert sorted(each.path for each in receiver.received) == ["/hook/acme", "/hook/registry"]


async def test_a_failed_delivery_is_repeated_for_three_days_and_then_given_up(
    world: World, receiver: Receiver
) -> None:
    webhook = (await add(world, receiver.url, "release"))["id"]
    receiver.status = 503
    receiver.body = b"later\x07" * 1_000
    await world.push(bala("acme/greet:1.0.0"))
    passed = timedelta(0)
    await deliver(world)
    for pause in BACK_OFF:
        [waiting] = await shown(world, webhook)
        assert waiting["state"] == "waiting"
        assert (waiting["status"], waiting["answer"]) == (503, "later " * (MAX_ANSWER // 6))
        world.clock.advance(pause - timedelta(seconds=1))
        await deliver(world)
        assert len(receiver.received) == waiting["attempts"]
        world.clock.advance(timedelta(seconds=1))
        await deliver(world)
        passed += pause
    assert timedelta(days=2.9) < passed <= timedelta(days=3)
    [failed] = await shown(world, webhook)
    assert (failed["state"], failed["attempts"], failed["dueAt"]) == ("failed", 10, None)
    receiver.status = 204
    replay = f"{HOOKS}/{webhook}/deliveries/{failed['number']}/replay"
    assert (await world.send("POST", replay, by=world.people.ann)).status_code == 200
    await deliver(world)
    assert [each["state"] for each in await shown(world, webhook)] == ["delivered"]
    assert len({(each.headers["webhook-id"], each.body) for each in receiver.received}) == 1


async def test_a_failed_delivery_is_repeated_after_the_clock_was_set_back(
    world: World, receiver: Receiver
) -> None:
    webhook = (await add(world, receiver.url, "release"))["id"]
    receiver.status = 503
    await world.push(bala("acme/greet:1.0.0"))
    await deliver(world)
    receiver.status = 204
    world.clock.advance(-timedelta(days=30))
    await deliver(world)
    assert [each["state"] for each in await shown(world, webhook)] == ["delivered"]


async def test_requests_are_signed_as_standard_webhooks_says_after_a_rotation_with_both_secrets(
    world: World, receiver: Receiver
) -> None:
    added = await add(world, receiver.url, "release")
    ann = await signed_in(world, world.people.ann)
    path = f"{PATH}/{added['id']}"
    rotated = (await ann.api("POST", f"{path}/rotate", {})).json()
    assert "whsec" not in (await ann.api("GET", path)).text
    await world.push(bala("acme/greet:1.0.0"))
    await deliver(world)
    world.clock.advance(timedelta(days=1))
    await world.push(bala("acme/greet:1.1.0"), by=await limited(world, world.people.ann))
    await deliver(world)
    both, _ = receiver.received
    assert json.loads(both.body)["type"] == both.data["kind"] == "release.published"
    assert both.headers["webhook-id"] == f"evt_{both.data['number']}"
    secrets = (added["secret"], rotated["secret"])
    signed = [[each.is_signed_with(secret) for secret in secrets] for each in receiver.received]
    assert signed == [[True, True], [False, True]]
    ann = await signed_in(world, world.people.ann)
    await ann.api("DELETE", path)
    assert await world.stores.directory.list_all(DeliveryLog, Place(""), 1) == []


async def test_no_event_is_left_out_while_a_receiver_is_down_and_the_last_hundred_are_kept(
    world: World, receiver: Receiver
) -> None:
    webhook = (await add(world, receiver.url, "token"))["id"]
    receiver.status = 500
    token = Event(id="", kind="token.issued", at_ms=1, actor="a", subject="", org="acme")
    tokens = [token.model_copy(update={"id": f"x{n}", "subject": f"{n}"}) for n in range(120)]
    await world.stores.events.append(tokens)
    await deliver(world)
    assert len(await shown(world, webhook)) == MAX_WAITING
    receiver.status = 200
    receiver.received = []
    for _ in range(4):
        world.clock.advance(BACK_OFF[0])
        await deliver(world)
    subjects = [each.data["subject"] for each in receiver.received]
    assert subjects == [str(n) for n in range(120)]
    kept = await shown(world, webhook)
    assert [each["subject"] for each in kept] == [str(n) for n in range(119, 19, -1)]


BAD_RECEIVERS: dict[str, dict[str, Any]] = {
    "hangs": {"hangs": True},
    "redirects inside": {"status": 307, "headers": {"Location": "/inside"}},
    "sends 10 MB": {"status": 200, "body": b"x" * 10_000_000},
}


@dataclass
class WithImpatience:
    """A fetcher that stops waiting for one receiver soon after a request arrived there, as one with
    a time limit does, however busy the machine is. It keeps how many bytes of answers it read."""

    bad: Receiver
    read_bytes: int = 0

    def __post_init__(self) -> None:
        self._usual = GuardedFetcher(["127.0.0.1"], count=self._counted)

    def _counted(self, count: int) -> None:
        self.read_bytes += max(count, 0)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        if not (self.bad.hangs and url == self.bad.url):
            return await self._usual.post(url, headers, body)
        request = asyncio.create_task(self._usual.post(url, headers, body))
        await asyncio.to_thread(self.bad.arrived.wait)
        request.cancel()
        with suppress(asyncio.CancelledError):
            await request
        message = "The receiver hangs."
        raise Unanswered(message)


@pytest.mark.parametrize("behaviour", BAD_RECEIVERS)
async def test_a_bad_receiver_costs_little_and_delays_no_other_one(
    worlds: OpenWorld, receiver: Receiver, behaviour: str
) -> None:
    with receiving() as bad:
        vars(bad).update(BAD_RECEIVERS[behaviour])
        fetcher = WithImpatience(bad)
        world = await worlds(
            wrap=lambda stores: replace(stores, fetcher=cast("HttpClient", fetcher)),
            inside_hosts="127.0.0.1",
        )
        webhook = (await add(world, bad.url, "release"))["id"]
        await add(world, receiver.url, "release")
        for version in ("1.0.0", "1.1.0"):
            await world.push(bala(f"acme/greet:{version}"))
        await deliver(world)
    assert len(receiver.received) == 2
    assert {each.path for each in bad.received} == {"/hook"}
    assert len(bad.received) == (1 if behaviour in ("hangs", "sends 10 MB") else 2)
    assert {each["state"] for each in await shown(world, webhook)} == {"waiting"}
    assert fetcher.read_bytes <= 2 * MAX_BYTES  # It stops once there is more than one allows.


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254"])
async def test_a_name_that_resolves_inside_is_not_called(worlds: OpenWorld, address: str) -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        return [address]

    fetcher = GuardedFetcher(resolving=resolve)
    world = await worlds(wrap=lambda stores: replace(stores, fetcher=fetcher))
    hook = (await add(world, "https://hooks.test/", "release"))["id"]
    await world.push(bala("acme/greet:1.0.0"))
    await deliver(world)
    [waiting] = await shown(world, hook)
    assert waiting["answer"] == NOT_CONNECTED


NEVER_CALLED = """
http://127.0.0.1:8080/ http://localhost/ https://127.0.0.1/ https://10.0.0.1/ https://192.168.1.7/
https://169.254.169.254/latest https://168.63.129.16/ https://100.64.0.1/ https://224.0.0.1/
https://0.0.0.0/ https://127.1/ https://2130706433/ https://256.1.1.1/ https://localhost/
https://chat/ https://chat.internal/ https://printer.local/ https://x.localhost/ https://x.invalid/
https://hooks.test:0/ https://hooks.test:65536/ https://-hooks.test/ https://hooks..test/
https://hooks.test-/ https://./ https://hooks.1/
"""


@pytest.mark.parametrize("url", [*NEVER_CALLED.split(), f"https://{'a' * 64}.test/"])
async def test_an_address_that_can_never_be_called_is_refused_when_it_is_added(
    shared: World, url: str
) -> None:
    browser = await signed_in(shared, shared.people.ann)
    answer = await browser.api("POST", PATH, {"url": url, "events": ["release"]})
    assert answer.status_code == 400
    assert "The registry can never call" in answer.text
    assert "BALLROOM_INSIDE_HOSTS" in answer.text


@pytest.fixture(scope="module")
async def shared(shared_worlds: OpenWorld) -> World:
    """Return a registry in which nothing is added."""
    return await shared_worlds()


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080/",
        "https://chat/",
        "https://CHAT.internal:8443/hook",
        "https://10.0.0.1/",
        "https://hooks.test:65535/",
        "https://1.1.1.1/",
        "https://hooks.test./",
    ],
)
def test_public_addresses_and_hosts_of_the_operator_are_receivers(url: str) -> None:
    assert parse_receiver(url, {"127.0.0.1", "chat", "chat.internal:8443", "10.0.0.1"}) == url


NO_RECEIVERS = """
 hooks.test http://hooks.test/ ftp://hooks.test/ https://kim:secret@hooks.test/ https://
https://hooks.test/#a https://[::1/ https://hooks.test:x/ https://hooks.test/\N{SNOWMAN}
"""


@pytest.mark.parametrize("url", ["", "https://hooks.test/\n", *NO_RECEIVERS.split()])
def test_what_is_no_address_of_a_receiver_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequest, match="is an https URL"):
        parse_receiver(url, ())


@pytest.mark.parametrize(
    ("hosts", "url", "is_allowed"),
    [
        ("*", "https://hooks.test/", True),
        ("", "https://hooks.test/", False),
        ("hooks.test", "https://HOOKS.test./a?b", True),
        ("hooks.test", "https://more.hooks.test/", False),
        ("*.hooks.test", "https://a.b.hooks.test/", True),
        ("*.hooks.test", "https://hooks.test/", False),
        ("*.hooks.test", "https://badhooks.test/", False),
        ("chat.test, hooks.test:8443", "https://hooks.test:8443/", True),
        ("hooks.test:8443", "https://hooks.test/", False),
        ("hooks.test:443", "https://hooks.test/", True),
    ],
)
def test_the_operator_names_hosts_of_receivers(hosts: str, url: str, is_allowed: bool) -> None:
    assert ReceiverHosts.parse(hosts).allows(url) is is_allowed


@pytest.mark.parametrize("hosts", ["https://hooks.test", "hooks.*", "hooks.test/a", "*hooks.test"])
def test_what_is_no_host_of_receivers_is_no_setting(hosts: str) -> None:
    with pytest.raises(ValueError, match="not a host"):
        ReceiverHosts.parse(hosts)


async def test_a_webhook_to_another_host_than_the_operator_names_is_refused(
    worlds: OpenWorld,
) -> None:
    world = await worlds(webhook_hosts="hooks.test")
    await add(world, "https://hooks.test/", "release")
    with pytest.raises(AssertionError, match="BALLROOM_WEBHOOK_HOSTS"):
        await add(world, "https://chat.test/", "release")


async def test_a_webhook_from_before_the_setting_delivers_nothing(
    template: Template, scratch: Path, receiver: Receiver
) -> None:
    async def fill(world: World) -> None:
        await add(world, receiver.url, "release")

    filled = await template.filled(scratch / "filled", fill, inside_hosts="127.0.0.1")
    changed = {"inside_hosts": "127.0.0.1", "webhook_hosts": "hooks.test"}
    async with filled.world(scratch / "data", **changed) as world:
        await world.push(bala("acme/greet:1.0.0"))
        await deliver(world)
        [webhook] = (await world.get(HOOKS, by=world.people.ann)).json()["webhooks"]
        [delivery] = await shown(world, webhook["id"])
        checks = await world.registry.administration.reachability.check()
    assert receiver.received == []
    assert "BALLROOM_WEBHOOK_HOSTS" in delivery["answer"]
    [check] = [each for each in checks if each.kind is ServerKind.RECEIVER]
    assert "BALLROOM_WEBHOOK_HOSTS" in check.found


async def test_a_request_whose_answer_was_not_stored_is_repeated_with_its_id(
    worlds: OpenWorld, receiver: Receiver
) -> None:
    broken = Fault("replace", Busy())
    world = await worlds(inside_hosts="127.0.0.1", wrap=broken.at("directory"))
    webhook = (await add(world, receiver.url, "release"))["id"]
    await world.push(bala("acme/greet:1.0.0"))
    broken.calls = 0
    await deliver(world)
    await deliver(world)
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    [delivered] = await shown(world, webhook)
    assert delivered["state"] == "delivered"


async def test_an_organization_has_ten_webhooks(world: World) -> None:
    for _ in range(MAX_WEBHOOKS):
        await add(world, "https://hooks.test/", "audit")
    with pytest.raises(AssertionError, match="remove one first"):
        await add(world, "https://hooks.test/", "audit")
