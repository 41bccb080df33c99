"""Signing keys of the settings and of a vault: read, replaced, and used while it is unavailable."""

import asyncio
import re
import stat
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from shared.adapters.azure_services import VAULT_API, KeyVault
from shared.auth.reread_secrets import (
    REREAD_AFTER,
    REREAD_AFTER_UNKNOWN_KEY,
    RETRY_AFTER,
    SIGNS_AFTER,
)
from shared.auth.secrets import Secret
from shared.auth.signing_keys import ArchiveLinkSigner, KeyRing, Signer, SigningKeyFolder, VaultKeys
from shared.domain.errors.identity import KeyTrouble, SigningKeyUnavailable
from shared.domain.errors.requests import Busy
from shared.telemetry.metrics import SIGNING_KEY_AGE
from tests.fakes.azure_identity import Identity, Stranger
from tests.fakes.key_vault import ADDRESS, VaultDouble
from tests.fakes.system import FakeClock, FakeRandomness
from tests.support.telemetry import collect_metrics
from tests.support.waiting import let_tasks_run

OLD = KeyRing((Secret("o" * 32),))
NEW = KeyRing((Secret("n" * 32), Secret("o" * 32)))
NEWER = KeyRing((Secret("m" * 32), Secret("n" * 32)))
PATH = "/archives/private/abc/1.0.0/acme-greet-any-1.0.0.bala"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def files(tmp_path: Path, clock: FakeClock) -> SigningKeyFolder:
    return SigningKeyFolder(tmp_path / "keys", clock, FakeRandomness())


def test_a_signature_holds_only_for_what_was_signed() -> None:
    signer = OLD.signer("session")
    signature = signer.sign("kim")
    assert signer.verify("kim", signature)
    assert not signer.verify("kims", signature)
    assert not signer.verify("kim", signature[:-1])
    assert not signer.verify("kim", "")
    assert not signer.verify("kim", "é")
    assert not OLD.signer("link").verify("kim", signature)  # For another purpose.


def test_a_signature_needs_no_escaping_in_an_address() -> None:
    for number in range(100):
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", OLD.signer("link").sign(str(number)))


def test_signatures_of_the_key_before_hold_and_those_of_older_ones_do_not() -> None:
    signature = OLD.signer("link").sign("text")
    assert NEW.signer("link").verify("text", signature)
    assert not NEWER.signer("link").verify("text", signature)
    assert NEW.signer("link").sign("text") != signature


def test_a_missing_key_is_created_which_only_the_user_of_the_registry_may_read(
    files: SigningKeyFolder,
) -> None:
    ring = files.load()
    assert [len(bytes.fromhex(each.reveal())) for each in ring.keys] == [32]
    assert files.load() == ring
    [key] = files.paths()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700


def test_a_new_key_signs_and_the_one_before_remains(
    files: SigningKeyFolder, clock: FakeClock
) -> None:
    rings = [files.load()]
    for _ in range(3):
        clock.advance(timedelta(days=1))
        files.rotate()
        rings.append(files.load())
        assert rings[-1].keys[0] != rings[-2].keys[0]
        assert rings[-1].keys[1:] == rings[-2].keys[:1]
    assert len(files.paths()) == 2


@pytest.mark.parametrize("earlier_keys", [1, 2, 3])
def test_a_new_key_signs_after_the_clock_was_set_back(
    files: SigningKeyFolder, clock: FakeClock, earlier_keys: int
) -> None:
    rings = [files.load()]
    for _ in range(earlier_keys - 1):
        clock.advance(timedelta(days=1))
        files.rotate()
        rings.append(files.load())
    clock.step(-timedelta(days=365))
    for _ in range(2):
        files.rotate()
        rings.append(files.load())
        assert rings[-1].keys[0] not in rings[-2].keys
        assert rings[-1].keys[1:] == rings[-2].keys[:1]


def test_unfinished_files_of_a_crash_are_not_read(files: SigningKeyFolder) -> None:
    ring = files.load()
    [key] = files.paths()
    (key.parent / "999999999999999.key.new").write_text("half")
    assert files.load() == ring


def test_a_setting_may_hold_a_new_key_and_the_one_before() -> None:
    ring = KeyRing.of_setting(f"{'n' * 32}, {'o' * 32}")
    assert ring == NEW


@pytest.mark.parametrize("text", ["", "short", "n" * 31, f"{'n' * 32},", ",".join(["n" * 32] * 3)])
def test_a_setting_without_a_usable_key_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(ValueError, match="32 random characters or more") as caught:
        KeyRing.of_setting(text)
    assert not text or text not in str(caught.value)


def test_links_that_an_earlier_version_signed_are_followed() -> None:
    signature = "AhpBkqMsesEXjEftM0q0AsQSUbItPkWGezQtJe4V6K4"
    assert ArchiveLinkSigner(OLD).sign(PATH, 1000) == signature
    assert ArchiveLinkSigner(OLD).verify(PATH, "1000", signature, now_ms=999)


OLD_SECRET = "o" * 64
NEW_SECRET = "n" * 64
NEWEST_SECRET = "m" * 64
UNRESOLVED = f"@Microsoft.KeyVault(SecretUri={ADDRESS}/secrets/link-key)"


@pytest.fixture
def vault(clock: FakeClock) -> VaultDouble:
    return VaultDouble(clock)


@pytest.fixture
def keys(vault: VaultDouble) -> VaultKeys:
    return vault.keys()


@pytest.fixture
async def signer(keys: VaultKeys, vault: VaultDouble) -> Signer:
    """Return what signs with the old key, which was read."""
    vault.store(OLD_SECRET)
    await keys.ready()
    return keys.signer("link")


def by(text: str) -> str:
    """Return what a key of this text signs."""
    return KeyRing.of_setting(text).signer("link").sign("text")


async def shown(keys: VaultKeys) -> str:
    """Return why there is no key."""
    with pytest.raises(SigningKeyUnavailable) as refused:
        await keys.ready()
    return str(refused.value)


async def test_the_key_is_read_with_the_first_need_and_not_again(
    keys: VaultKeys, vault: VaultDouble
) -> None:
    vault.store(OLD_SECRET)
    signer = keys.signer("link")
    assert vault.asked == []
    await asyncio.gather(signer.ready(), signer.ready())
    await signer.ready()
    assert signer.sign("text") == by(OLD_SECRET)
    assert vault.asked == [f"{ADDRESS}/secrets/link-key?api-version={VAULT_API}"]


async def test_nothing_is_signed_and_nothing_holds_before_a_key_was_read(keys: VaultKeys) -> None:
    signer = keys.signer("link")
    with pytest.raises(SigningKeyUnavailable, match="not read yet"):
        signer.sign("text")
    with pytest.raises(SigningKeyUnavailable):
        signer.verify("text", by(OLD_SECRET))


async def test_a_vault_that_refuses_or_does_not_answer_is_distinguished_from_an_empty_one(
    keys: VaultKeys, vault: VaultDouble, clock: FakeClock
) -> None:
    vault.refuses = True
    assert "does not answer, or refuses" in await shown(keys)
    vault.refuses = False
    vault.is_away = True
    clock.advance(RETRY_AFTER)
    assert "does not answer, or refuses" in await shown(keys)
    assert vault.troubles == [KeyTrouble.SILENT, KeyTrouble.SILENT]


async def test_a_read_is_repeated_once_where_the_answer_was_lost(vault: VaultDouble) -> None:
    vault.store(OLD_SECRET)
    reader = KeyVault(ADDRESS, "link-key", vault, Identity)
    vault.lost = 1
    assert await reader.read() is not None
    vault.lost = 2
    with pytest.raises(Busy):
        await reader.read()


async def test_without_an_identity_or_a_text_a_vault_does_not_answer(vault: VaultDouble) -> None:
    with pytest.raises(Busy):
        await KeyVault(ADDRESS, "link-key", vault, Stranger).read()
    vault.stored_ms = 0
    vault.text = cast(str, 7)
    with pytest.raises(Busy):
        await KeyVault(ADDRESS, "link-key", vault, Identity).read()


@pytest.mark.parametrize(
    "text", [UNRESOLVED, f"{NEW_SECRET},{UNRESOLVED.lower()}", "too short", ""]
)
async def test_an_invalid_key_signs_nothing(keys: VaultKeys, vault: VaultDouble, text: str) -> None:
    vault.store(text)
    assert "what its key vault holds is none" in await shown(keys)
    with pytest.raises(SigningKeyUnavailable):
        keys.signer("link").sign("text")


async def test_a_new_key_holds_at_once_and_signs_when_all_processes_know_it(
    signer: Signer, keys: VaultKeys, vault: VaultDouble, clock: FakeClock
) -> None:
    vault.store(f"{NEW_SECRET},{OLD_SECRET}")
    clock.advance(REREAD_AFTER)
    await signer.ready()  # Begins to read, and goes on with what is known.
    assert signer.sign("text") == by(OLD_SECRET)
    await keys.reread()
    assert signer.verify("text", by(NEW_SECRET))
    assert signer.sign("text") == by(OLD_SECRET)
    clock.advance(SIGNS_AFTER - REREAD_AFTER)
    assert signer.sign("text") == by(NEW_SECRET)
    assert signer.verify("text", by(OLD_SECRET))


async def test_a_signature_of_an_unknown_key_asks_once_in_half_a_minute(
    signer: Signer, keys: VaultKeys, vault: VaultDouble, clock: FakeClock
) -> None:
    vault.store(f"{NEW_SECRET},{OLD_SECRET}")
    for _ in range(100):
        assert not signer.verify("text", by(NEW_SECRET))
    assert not await keys.reread()
    clock.advance(REREAD_AFTER_UNKNOWN_KEY)
    assert signer.verify("text", by(OLD_SECRET))
    await let_tasks_run()
    assert len(vault.asked) == 1
    for _ in range(100):
        assert not signer.verify("text", by(NEW_SECRET))
    await keys.reread()
    assert signer.verify("text", by(NEW_SECRET))
    assert len(vault.asked) == 2


async def test_a_process_that_was_idle_reads_the_keys_before_it_signs(
    signer: Signer, vault: VaultDouble, clock: FakeClock
) -> None:
    vault.store(f"{NEWEST_SECRET},{NEW_SECRET}")
    clock.advance(timedelta(hours=1))
    await signer.ready()
    assert signer.sign("text") == by(NEWEST_SECRET)


async def test_a_clock_that_was_set_back_does_not_prevent_reading(
    keys: VaultKeys, vault: VaultDouble, clock: FakeClock
) -> None:
    await shown(keys)
    vault.store(OLD_SECRET)
    clock.advance(-timedelta(hours=1))
    await keys.ready()
    assert keys.signer("link").sign("text") == by(OLD_SECRET)


async def test_keys_of_a_setting_are_never_read_again() -> None:
    ring = KeyRing.of_setting(OLD_SECRET)
    await ring.ready()
    assert not await ArchiveLinkSigner(ring).reread()
    assert not ring.signer("link").verify("text", by(NEW_SECRET))


async def test_the_age_of_the_keys_in_the_vault_is_recorded_with_each_read(
    clock: FakeClock,
) -> None:
    vault = VaultDouble(clock)
    vault.store("k" * 32)
    clock.advance(timedelta(days=401))
    with collect_metrics() as metrics:
        await vault.keys().ready()
        [point] = metrics.points(SIGNING_KEY_AGE)
        assert point["key"] == "links"
    assert point["value"] == pytest.approx(401 * 86_400, abs=1)
