"""A registry whose signing key is in a vault: before the first key, and over a rotation."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from msgspec.structs import replace

from shared.auth.reread_secrets import REREAD_AFTER_UNKNOWN_KEY, RETRY_AFTER
from shared.auth.signing_keys import ArchiveLinkSigner, KeyRing
from tests.fakes.key_vault import ADDRESS, VaultDouble
from tests.fakes.system import FakeClock
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.support.archives import bala
from tests.support.storage import one_instance
from tests.support.world import URL, OpenWorld, World

PUBLIC = "acme/greet:1.0.0"
SECRET = "acme/secret:1.0.0"
OLD = "o" * 64
NEW = "n" * 64
UNRESOLVED = f"@Microsoft.KeyVault(SecretUri={ADDRESS}/secrets/link-key)"
HOP = "/packages/acme/{}/1.0.0"
PULL = dict(ACCEPT_ARCHIVE)


@pytest.fixture
def vault() -> VaultDouble:
    return VaultDouble(FakeClock())


@pytest.fixture
async def keyless(worlds: OpenWorld, vault: VaultDouble) -> World:
    """Return a registry with a public and a private package, and nothing in its vault."""

    def with_vault(stores: Any) -> Any:
        vault.clock = stores.clock
        return replace(stores, keys=vault.keys())

    world = await worlds(wrap=with_vault)
    await world.push(bala(PUBLIC))
    await world.push(bala(SECRET, visibility="private"))
    return world


async def link(world: World, package: str = "secret") -> str:
    """Return where Ann gets an archive from."""
    answer = await world.send("GET", HOP.format(package), by=world.people.ann, headers=PULL)
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


async def ready(world: World) -> tuple[int, str]:
    answer = await world.get(f"{URL}/health/ready")
    return answer.status_code, answer.json().get("message", "")


async def test_without_a_key_public_packages_are_served(keyless: World) -> None:
    assert (await keyless.java().pull(PUBLIC)).content
    assert (await keyless.get("/packages?q=greet")).status_code == 200
    assert (await keyless.get(URL)).status_code == 200


async def test_without_a_key_no_link_is_signed_and_health_says_what_is_missing(
    keyless: World,
) -> None:
    ann = keyless.people.ann
    answer = await keyless.send("GET", HOP.format("secret"), by=ann, headers=PULL)
    assert answer.status_code == 503
    status, message = await ready(keyless)
    assert status == 503
    assert "there is none yet, and its operator stores one with infra/keys.sh" in message
    assert ADDRESS not in message


async def test_the_first_key_needs_no_restart(keyless: World, vault: VaultDouble) -> None:
    assert (await ready(keyless))[0] == 503
    vault.store(OLD)
    keyless.clock.advance(RETRY_AFTER)
    assert (await ready(keyless))[0] == 200
    assert (await keyless.get(await link(keyless))).status_code == 200


async def test_pulls_before_the_first_key_are_counted_once_it_is_there(
    keyless: World, vault: VaultDouble
) -> None:
    await keyless.java().pull(PUBLIC)
    vault.store(OLD)
    keyless.clock.advance(RETRY_AFTER)
    assert await keyless.write_pulls() == 1


@pytest.mark.parametrize("text", [UNRESOLVED, f"{UNRESOLVED},{OLD}"])
async def test_no_link_is_signed_or_taken_with_the_text_of_an_unresolved_reference(
    keyless: World, vault: VaultDouble, text: str
) -> None:
    vault.store(text)
    status, message = await ready(keyless)
    assert status == 503
    assert "@Microsoft" not in message
    vault.store(OLD)
    keyless.clock.advance(RETRY_AFTER)
    path = urlsplit(await link(keyless)).path
    expires_ms = keyless.clock.now_ms() + 60_000
    ring = KeyRing.of_setting(OLD)
    forged = replace(ring, keys=(type(ring.keys[0])(UNRESOLVED),))
    query = {"expires": expires_ms, "signature": ArchiveLinkSigner(forged).sign(path, expires_ms)}
    answer = await keyless.get(f"{URL}{path}?{urlencode(query)}")
    assert answer.status_code == 404


async def test_a_link_of_a_key_that_this_process_does_not_know_is_followed(
    keyless: World, vault: VaultDouble
) -> None:
    vault.store(OLD)
    path = urlsplit(await link(keyless)).path
    vault.store(f"{NEW},{OLD}")
    keyless.clock.advance(REREAD_AFTER_UNKNOWN_KEY)
    # Another process has read the new key, and signs with it.
    expires_ms = keyless.clock.now_ms() + 60_000
    signature = ArchiveLinkSigner(KeyRing.of_setting(NEW)).sign(path, expires_ms)
    query = urlencode({"expires": expires_ms, "signature": signature})
    assert (await keyless.get(f"{URL}{path}?{query}")).status_code == 200


async def test_links_hold_over_a_rotation(keyless: World, vault: VaultDouble) -> None:
    vault.store(OLD)
    before = await link(keyless)
    vault.store(f"{NEW},{OLD}")
    keyless.clock.advance(timedelta(minutes=5))
    await link(keyless)
    assert (await keyless.get(before)).status_code == 200


@one_instance("each reads the key vault itself")
async def test_a_vault_that_goes_away_takes_nothing_with_it(
    keyless: World, vault: VaultDouble
) -> None:
    vault.store(OLD)
    await link(keyless)
    vault.is_away = True
    keyless.clock.advance(timedelta(hours=3))
    assert (await keyless.get(await link(keyless))).status_code == 200
    assert (await ready(keyless))[0] == 200
