"""Keys in a vault: read when they are needed, read again, and kept while the vault is away."""

import asyncio
from datetime import timedelta

import pytest
from azure.core.exceptions import ClientAuthenticationError

from shared.adapters.key_vault import KeyVault
from shared.auth.signing_keys import (
    REREAD_AFTER,
    REREAD_AFTER_UNKNOWN_KEY,
    RETRY_AFTER,
    SIGNS_AFTER,
    ArchiveLinkSigner,
    KeyRing,
    Signer,
    VaultKeys,
)
from shared.domain.errors.identity import KeyTrouble, SigningKeyUnavailable
from shared.domain.errors.requests import Busy
from tests.fakes.blob_storage import Identity
from tests.fakes.key_vault import ADDRESS, VaultDouble
from tests.fakes.system import FakeClock

OLD, NEW, NEWEST = "o" * 64, "n" * 64, "m" * 64
UNRESOLVED = f"@Microsoft.KeyVault(SecretUri={ADDRESS}/secrets/link-key)"


class Stranger(Identity):
    """An identity that may not sign in."""

    async def get_token(self, *scopes: str, **options: object) -> object:  # type: ignore[override]
        raise ClientAuthenticationError


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def vault(clock: FakeClock) -> VaultDouble:
    return VaultDouble(clock)


@pytest.fixture
def keys(vault: VaultDouble) -> VaultKeys:
    return vault.keys()


@pytest.fixture
async def signer(keys: VaultKeys, vault: VaultDouble) -> Signer:
    """Return what signs with the old key, which was read."""
    vault.store(OLD)
    await keys.ready()
    return keys.signer("link")


def by(text: str) -> str:
    """Return what a key of this text signs."""
    return KeyRing.of_setting(text).signer("link").sign("text")


async def told(keys: VaultKeys) -> str:
    """Return why there is no key."""
    with pytest.raises(SigningKeyUnavailable) as refused:
        await keys.ready()
    return str(refused.value)


async def test_the_key_is_read_with_the_first_need_and_not_again(
    keys: VaultKeys, vault: VaultDouble
) -> None:
    vault.store(OLD)
    signer = keys.signer("link")
    assert vault.asked == []
    await asyncio.gather(signer.ready(), signer.ready())
    await signer.ready()
    assert signer.sign("text") == by(OLD)
    assert vault.asked == [f"{ADDRESS}/secrets/link-key/"]


async def test_nothing_is_signed_and_nothing_holds_before_a_key_was_read(keys: VaultKeys) -> None:
    signer = keys.signer("link")
    with pytest.raises(SigningKeyUnavailable, match="not read yet"):
        signer.sign("text")
    with pytest.raises(SigningKeyUnavailable):
        signer.verify("text", by(OLD))


async def test_the_first_key_is_found_without_a_restart(
    keys: VaultKeys, vault: VaultDouble, clock: FakeClock
) -> None:
    assert "there is none yet" in await told(keys)
    vault.store(OLD)
    assert "there is none yet" in await told(keys)
    clock.advance(RETRY_AFTER)
    await keys.ready()
    assert keys.signer("link").sign("text") == by(OLD)


async def test_a_vault_that_refuses_or_is_away_is_told_apart_from_an_empty_one(
    keys: VaultKeys, vault: VaultDouble, clock: FakeClock
) -> None:
    vault.refuses = True
    assert "does not answer, or refuses" in await told(keys)
    vault.refuses, vault.is_away = False, True
    clock.advance(RETRY_AFTER)
    assert "does not answer, or refuses" in await told(keys)
    assert vault.troubles == [KeyTrouble.SILENT, KeyTrouble.SILENT]


async def test_an_identity_that_cannot_sign_in_is_a_vault_that_does_not_answer(
    vault: VaultDouble,
) -> None:
    stranger = KeyVault(ADDRESS, "link-key", Stranger, transport=vault)  # pyright: ignore[reportArgumentType]
    with pytest.raises(Busy):
        await stranger.read()


@pytest.mark.parametrize("text", [UNRESOLVED, f"{NEW},{UNRESOLVED.lower()}", "too short", ""])
async def test_what_is_no_key_signs_nothing(keys: VaultKeys, vault: VaultDouble, text: str) -> None:
    vault.store(text)
    assert "what its key vault holds is none" in await told(keys)
    with pytest.raises(SigningKeyUnavailable):
        keys.signer("link").sign("text")


async def test_a_new_key_holds_at_once_and_signs_when_all_processes_know_it(
    signer: Signer, keys: VaultKeys, vault: VaultDouble, clock: FakeClock
) -> None:
    vault.store(f"{NEW},{OLD}")
    clock.advance(REREAD_AFTER)
    await signer.ready()  # Begins to read, and goes on with what is known.
    assert signer.sign("text") == by(OLD)
    await keys.reread()
    assert signer.verify("text", by(NEW))
    assert signer.sign("text") == by(OLD)
    clock.advance(SIGNS_AFTER - REREAD_AFTER)
    assert signer.sign("text") == by(NEW)
    assert signer.verify("text", by(OLD))


async def test_after_two_rotations_the_first_key_is_good_for_nothing(
    signer: Signer, keys: VaultKeys, vault: VaultDouble, clock: FakeClock
) -> None:
    vault.store(f"{NEW},{OLD}")
    vault.store(f"{NEWEST},{NEW}")
    clock.advance(REREAD_AFTER_UNKNOWN_KEY)
    assert await keys.reread()
    assert not signer.verify("text", by(OLD))
    assert signer.sign("text") == by(NEW)


async def test_a_signature_of_an_unknown_key_asks_once_in_half_a_minute(
    signer: Signer, keys: VaultKeys, vault: VaultDouble, clock: FakeClock
) -> None:
    vault.store(f"{NEW},{OLD}")
    for _ in range(100):
        assert not signer.verify("text", by(NEW))
    assert not await keys.reread()
    clock.advance(REREAD_AFTER_UNKNOWN_KEY)
    for _ in range(100):
        assert not signer.verify("text", by(NEW))
    await keys.reread()
    assert signer.verify("text", by(NEW))
    assert len(vault.asked) == 2


async def test_keys_that_were_read_are_kept_while_the_vault_is_away(
    signer: Signer, vault: VaultDouble, clock: FakeClock
) -> None:
    vault.is_away = True
    clock.advance(timedelta(days=1))
    await signer.ready()
    assert signer.sign("text") == by(OLD)
    vault.is_away, vault.text = False, None
    clock.advance(timedelta(days=1))
    await signer.ready()
    assert signer.sign("text") == by(OLD)


async def test_who_was_idle_for_long_reads_before_it_signs(
    signer: Signer, vault: VaultDouble, clock: FakeClock
) -> None:
    vault.store(f"{NEWEST},{NEW}")
    clock.advance(timedelta(hours=1))
    await signer.ready()
    assert signer.sign("text") == by(NEWEST)


async def test_a_clock_that_was_set_back_keeps_nobody_from_reading(
    keys: VaultKeys, vault: VaultDouble, clock: FakeClock
) -> None:
    await told(keys)
    vault.store(OLD)
    clock.advance(-timedelta(hours=1))
    await keys.ready()
    assert keys.signer("link").sign("text") == by(OLD)


async def test_keys_of_a_setting_are_never_read_again() -> None:
    ring = KeyRing.of_setting(OLD)
    await ring.ready()
    assert not await ArchiveLinkSigner(ring).reread()
    assert not ring.signer("link").verify("text", by(NEW))
