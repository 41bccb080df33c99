"""Secrets of webhooks: encrypted with keys of their own, over rotations, losses and restores."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from shared.auth.signing_keys import KeyRing
from shared.domain.names import OrgName
from shared.domain.principals import OPERATOR
from shared.domain.snapshots import from_line, to_line
from shared.domain.webhooks import PLACE_OF_WEBHOOK_KEYS, Topic, Webhook, WebhookKeys
from shared.services.adapters import Adapters
from shared.services.organizations.webhook_secrets import WebhookSecrets
from shared.services.record_batches import all_entities
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.receivers import Receiver, receiving
from tests.support.world import URL, OpenWorld, World

pytestmark = pytest.mark.measured

HOOKS = "/api/v1/orgs/acme/webhooks"
PAGE = "/account/organizations/acme/webhooks"
REASON = "a backup leaked"
SECRET = "whsec_c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0"


@pytest.fixture
def receiver() -> Any:
    with receiving() as opened:
        yield opened


@pytest.fixture
async def world(worlds: OpenWorld) -> World:
    """Return a registry that may call this machine, with a key that a test can replace."""

    def with_key(stores: Adapters) -> Adapters:
        return replace(stores, keys=Keys("a"))

    return await worlds(inside_hosts="127.0.0.1", wrap=with_key)


class Keys:
    """The keys of a registry, which a test rotates."""

    def __init__(self, *letters: str) -> None:
        self.be(*letters)

    def be(self, *letters: str) -> None:
        self.ring = KeyRing.of_setting(",".join(each * 32 for each in letters))

    async def ready(self) -> None:
        """The keys are known."""

    async def reread(self) -> bool:
        return False

    def reread_in_background(self) -> None:
        """Nothing to read."""

    def signer(self, purpose: str) -> Any:
        return self.ring.signer(purpose)


def rotate_registry(world: World, *letters: str) -> WebhookSecrets:
    """Give the registry other keys, as a start with them does, which remembers nothing."""
    keys: Any = world.registry.adapters.keys
    keys.be(*letters)
    secrets = world.registry.organizations.webhook_secrets
    secrets._known.clear()  # pyright: ignore[reportPrivateUsage] - a new process.
    return secrets


async def add(world: World, receiver: Receiver, path: str = "") -> tuple[str, str]:
    """Add a webhook about releases; return its id and its secret."""
    added = await world.registry.organizations.webhooks.add(
        OrgName("acme"), f"{receiver.url}{path}", [Topic.RELEASE], by=OPERATOR
    )
    return added.webhook.id, added.secret


async def deliver(world: World) -> None:
    assert await world.registry.maintenance.task_runner.run("deliver-webhooks")


async def stored(world: World) -> Sequence[Webhook]:
    return await all_entities(world.stores.directory, Webhook)


async def keys_of(world: World) -> WebhookKeys:
    found = await world.stores.directory.get(WebhookKeys, PLACE_OF_WEBHOOK_KEYS)
    assert found is not None
    return found


async def test_a_rotation_of_the_registrys_key_changes_no_secret(
    world: World, receiver: Receiver
) -> None:
    _, secret = await add(world, receiver)
    before = await stored(world)
    for letters in ("ba", "cb", "dc"):
        rotate_registry(world, *letters)
        await deliver(world)
    rotate_registry(world, "d")
    await world.push(bala("acme/greet:1.0.0"))
    await deliver(world)
    [received] = receiver.received
    assert received.is_signed_with(secret)
    assert await stored(world) == before
    assert secret not in "".join(each.model_dump_json() for each in before)


async def test_two_instances_that_know_other_keys_of_the_registry_keep_the_secret(
    world: World, receiver: Receiver
) -> None:
    webhook, secret = await add(world, receiver)
    for letters in ("ba", "a", "ba", "cb", "ba", "cb"):
        rotate_registry(world, *letters)
        await deliver(world)
    secrets = rotate_registry(world, "c")
    [found] = await stored(world)
    assert (found.id, await secrets.of(found)) == (webhook, (secret,))


async def test_concurrent_first_secrets_share_one_key(world: World, receiver: Receiver) -> None:
    added = await asyncio.gather(*(add(world, receiver, f"/{n}") for n in range(4)))
    secrets = rotate_registry(world, "a")
    found = {each.id: await secrets.of(each) for each in await stored(world)}
    assert found == {webhook: (secret,) for webhook, secret in added}


async def test_a_lost_key_pauses_its_webhooks_until_they_are_rotated(
    world: World, receiver: Receiver
) -> None:
    webhook, _ = await add(world, receiver)
    rotate_registry(world, "x")
    await world.push(bala("acme/greet:1.0.0"))
    await deliver(world)
    assert receiver.received == []
    ann = await signed_in(world, world.people.ann)
    shown = (await ann.api("GET", f"{HOOKS}/{webhook}")).json()
    assert shown["webhook"]["needsSecret"]
    assert shown["pausedAt"]
    listed = (await ann.api("GET", HOOKS)).json()["webhooks"]
    assert [each["needsSecret"] for each in listed] == [True]
    assert "Needs a new secret" in (await ann.open(PAGE)).text
    assert "its secret is not there" in (await ann.open(f"{PAGE}/{webhook}")).text
    rotated = (await ann.api("POST", f"{HOOKS}/{webhook}/rotate", {})).json()
    assert not rotated["needsSecret"]
    await deliver(world)
    [received] = receiver.received
    assert received.is_signed_with(rotated["secret"])


async def test_a_key_of_the_registry_that_comes_back_brings_the_secrets_back(
    world: World, receiver: Receiver
) -> None:
    _, secret = await add(world, receiver)
    rotate_registry(world, "x")
    _, later = await add(world, receiver, "/later")
    rotate_registry(world, "x", "a")
    await world.push(bala("acme/greet:1.0.0"))
    await deliver(world)
    by_path = {each.path: each for each in receiver.received}
    assert by_path["/hook"].is_signed_with(secret)
    assert by_path["/hook/later"].is_signed_with(later)


async def test_a_ciphertext_that_is_moved_to_another_webhook_signs_nothing(
    world: World, receiver: Receiver
) -> None:
    await add(world, receiver)
    await add(world, receiver, "/mine")
    first, second = await stored(world)
    moved = second.model_copy(update={"encrypted": first.encrypted})
    await world.stores.directory.replace(moved)
    secrets = world.registry.organizations.webhook_secrets
    assert [each.id for each in await secrets.all_missing()] == [second.id]


async def test_secrets_in_clear_of_earlier_versions_are_encrypted(
    world: World, receiver: Receiver
) -> None:
    _, secret = await add(world, receiver)
    [webhook] = await stored(world)
    now_ms = world.clock.now_ms()
    old = f"{secret[:-2]}A="
    clear = {"secret": secret, "old_secret": old, "rotated_ms": now_ms}
    earlier = webhook.without_secrets().model_copy(update=clear)
    await world.stores.directory.replace(earlier)
    await world.push(bala("acme/greet:1.0.0"))
    await deliver(world)
    [received] = receiver.received
    assert received.is_signed_with(secret)
    assert received.is_signed_with(old)
    [after] = await stored(world)
    assert not after.has_clear_secret
    assert secret not in after.model_dump_json()


async def test_a_webhook_of_a_snapshot_has_no_secret_not_even_one_of_an_earlier_version(
    world: World, receiver: Receiver
) -> None:
    await add(world, receiver)
    [webhook] = await stored(world)
    assert webhook.encrypted is not None
    line = to_line(webhook)
    assert webhook.encrypted.text.encode() not in line
    assert from_line(line) == webhook.without_secrets()
    earlier = webhook.model_copy(update={"secret": "whsec_clear"}).model_dump_json()
    assert from_line(f'{{"webhook":{earlier}}}'.encode()) == webhook.without_secrets()


async def test_every_secret_is_rotated_at_once_with_a_new_key(
    world: World, receiver: Receiver
) -> None:
    before = dict([await add(world, receiver, f"/{n}") for n in range(3)])
    webhooks = world.registry.organizations.webhooks
    own = await webhooks.add(None, f"{receiver.url}/own", [Topic.RELEASE], by=OPERATOR)
    leaked = (await keys_of(world)).keys[0].id
    makers = {each.id: each.by for each in await stored(world)}
    rotated = [each async for each in webhooks.rotate_all(by=OPERATOR, reason=REASON)]
    assert {each.webhook.id for each in rotated} == {*before, own.webhook.id}
    assert not {each.secret for each in rotated} & {*before.values(), own.secret}
    after = await stored(world)
    assert {each.id: each.by for each in after} == makers
    assert leaked not in {each.encrypted.key for each in after if each.encrypted}
    await world.push(bala("acme/greet:1.0.0"))
    await deliver(world)
    one = next(each for each in rotated if each.webhook.id in before)
    [received] = [each for each in receiver.received if each.path in one.webhook.url]
    assert received.is_signed_with(one.secret)
    assert received.is_signed_with(before[one.webhook.id])
    world.clock.advance(timedelta(days=1))
    await deliver(world)
    assert leaked not in {each.id for each in (await keys_of(world)).keys}
    known = world.registry.organizations.webhook_secrets._known  # pyright: ignore[reportPrivateUsage]
    assert leaked not in known


async def test_a_rotation_of_all_that_was_stopped_goes_on_with_those_that_are_left(
    world: World, receiver: Receiver
) -> None:
    await asyncio.gather(*(add(world, receiver, f"/{n}") for n in range(3)))
    webhooks = world.registry.organizations.webhooks
    stopped = webhooks.rotate_all(by=OPERATOR, reason=REASON)
    first = await anext(aiter(stopped))
    rest = [each async for each in webhooks.rotate_all(by=OPERATOR, reason=REASON)]
    ids = [each.webhook.id for each in rest]
    assert (len(ids), first.webhook.id in ids) == (2, False)
    again = [each async for each in webhooks.rotate_all(by=OPERATOR, reason=REASON)]
    assert len(again) == 3


async def test_a_round_that_was_stopped_long_ago_spares_no_webhook_of_a_later_one(
    world: World, receiver: Receiver
) -> None:
    await asyncio.gather(*(add(world, receiver, f"/{n}") for n in range(3)))
    webhooks = world.registry.organizations.webhooks
    await anext(aiter(webhooks.rotate_all(by=OPERATOR, reason=REASON)))
    world.clock.advance(timedelta(hours=2))
    later = [each async for each in webhooks.rotate_all(by=OPERATOR, reason=REASON)]
    assert len(later) == 3


async def test_a_webhook_that_is_stored_while_a_new_key_is_made_keeps_its_secret(
    world: World, receiver: Receiver
) -> None:
    await add(world, receiver)
    [webhook] = await stored(world)
    secrets = world.registry.organizations.webhook_secrets
    world.clock.advance(timedelta(days=30))
    begun = await secrets.encrypt(SECRET, webhook.place)  # Its write comes after the task looked.
    await secrets.begin_round()
    await secrets.renew_keys([])
    await world.stores.directory.replace(webhook.model_copy(update={"encrypted": begun}))
    secrets = rotate_registry(world, "a")
    [after] = await stored(world)
    assert await secrets.of(after) == (SECRET,)


async def test_owners_learn_why_the_operator_rotated_a_secret(
    world: World, receiver: Receiver
) -> None:
    await add(world, receiver)
    webhooks = world.registry.organizations.webhooks
    [_] = [each async for each in webhooks.rotate_all(by=OPERATOR, reason=REASON)]
    log = await world.get(f"{URL}/api/v1/orgs/acme/audit", by=world.people.ann)
    assert log.status_code == 200, log.text
    assert REASON in log.text
