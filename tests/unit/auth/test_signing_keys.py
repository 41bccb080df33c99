"""Keys and what is signed with them."""

import re
import stat
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from shared.auth.secrets import Secret
from shared.auth.signing_keys import ArchiveLinkSigner, KeyFiles, KeyRing
from tests.fakes.system import FakeClock, FakeRandomness

OLD = KeyRing((Secret("o" * 32),))
NEW = KeyRing((Secret("n" * 32), Secret("o" * 32)))
NEWER = KeyRing((Secret("m" * 32), Secret("n" * 32)))
PATH = "/archives/private/abc/1.0.0/acme-greet-any-1.0.0.bala"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def files(tmp_path: Path, clock: FakeClock) -> KeyFiles:
    return KeyFiles(tmp_path / "keys", clock, FakeRandomness())


def test_a_signature_holds_for_what_was_signed_alone() -> None:
    signer = OLD.signer("session")
    signature = signer.sign("kim")
    assert signer.verify("kim", signature)
    assert not signer.verify("kims", signature)
    assert not signer.verify("kim", signature[:-1])
    assert not signer.verify("kim", "")
    assert not signer.verify("kim", "é")


def test_a_signature_for_one_purpose_is_none_for_another() -> None:
    assert not OLD.signer("session").verify("kim", OLD.signer("link").sign("kim"))


def test_a_signature_needs_no_escaping_in_an_address() -> None:
    for number in range(100):
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", OLD.signer("link").sign(str(number)))


def test_signatures_of_the_key_before_hold_and_those_of_older_ones_do_not() -> None:
    signature = OLD.signer("link").sign("text")
    assert NEW.signer("link").verify("text", signature)
    assert not NEWER.signer("link").verify("text", signature)
    assert NEW.signer("link").sign("text") != signature


def test_a_link_is_good_until_it_expires() -> None:
    links = ArchiveLinkSigner(OLD)
    signature = links.sign(PATH, 1000)
    assert links.verify(PATH, "1000", signature, now_ms=999)
    assert not links.verify(PATH, "1000", signature, now_ms=1000)


def test_a_link_cannot_be_made_to_last_longer_or_to_lead_elsewhere() -> None:
    links = ArchiveLinkSigner(OLD)
    signature = links.sign(PATH, 1000)
    assert not links.verify(PATH, "9999", signature, now_ms=1)
    assert not links.verify(PATH.replace("abc", "abd"), "1000", signature, now_ms=1)


@pytest.mark.parametrize("expires", ["", "-1", "1e9", "soon", "²", "1000\n", "01000", "9" * 5000])
def test_a_link_whose_expiry_is_no_number_is_not_followed(expires: str) -> None:
    assert not ArchiveLinkSigner(OLD).verify(PATH, expires, "x", now_ms=0)


def test_the_first_key_is_made_when_there_is_none(files: KeyFiles) -> None:
    ring = files.load()
    assert len(ring.keys) == 1
    assert len(bytes.fromhex(ring.keys[0].reveal())) == 32
    assert files.load() == ring


def test_a_new_key_signs_and_the_one_before_still_verifies(
    files: KeyFiles, clock: FakeClock
) -> None:
    before = files.load()
    clock.advance(timedelta(days=1))
    files.rotate()
    after = files.load()
    assert after.keys[1:] == before.keys
    assert after.keys[0] != before.keys[0]


def test_two_keys_are_kept(files: KeyFiles, clock: FakeClock) -> None:
    for _ in range(4):
        clock.advance(timedelta(days=1))
        files.rotate()
    assert len(files.load().keys) == 2
    assert len(files.paths()) == 2


def test_only_the_user_of_the_registry_may_read_keys(files: KeyFiles) -> None:
    files.load()
    [key] = files.paths()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700


def test_what_a_crash_left_unfinished_is_not_read(files: KeyFiles) -> None:
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


def test_a_reference_to_a_vault_is_no_key() -> None:
    text = "@Microsoft.KeyVault(SecretUri=https://vault.test/secrets/key)"
    for setting in (text, f"{'n' * 32},{text.upper()}"):
        with pytest.raises(ValueError, match="unresolved") as refused:
            KeyRing.of_setting(setting)
        assert str(refused.value) == (
            "it is an unresolved reference to a key vault, which everybody knows"
        )


def test_links_that_an_earlier_version_signed_are_followed() -> None:
    signature = "AhpBkqMsesEXjEftM0q0AsQSUbItPkWGezQtJe4V6K4"
    assert ArchiveLinkSigner(OLD).sign(PATH, 1000) == signature
    assert ArchiveLinkSigner(OLD).verify(PATH, "1000", signature, now_ms=999)


class DoubtedKeys(KeyRing):
    """Keys that count how often they were doubted."""

    doubts: ClassVar[list[str]] = []

    def reread_in_background(self) -> None:
        """Count it."""
        self.doubts.append("")


def test_only_a_signature_that_no_key_made_casts_doubt_on_the_keys() -> None:
    signer = DoubtedKeys(NEW.keys).signer("session")
    for each in (NEW, OLD):
        assert signer.verify("kim", each.signer("session").sign("kim"))
    assert not DoubtedKeys.doubts
    assert not signer.verify("kim", NEWER.signer("session").sign("kim"))
    assert len(DoubtedKeys.doubts) == 1
