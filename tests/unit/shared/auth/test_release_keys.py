"""The keys that sign releases: their text, which of them signs, and their rotation."""

import base64
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey as PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_public_key,
)

from shared.auth.key_texts import KeyFile, text_of_setting
from shared.auth.release_keys import (
    EXPIRES_AFTER,
    ReleaseKey,
    ReleaseKeyRing,
    ReleaseSigner,
    new_line,
    release_key_file,
)
from shared.auth.reread_secrets import RETRY_AFTER, SIGNS_AFTER
from shared.auth.secrets import Secret
from shared.domain.errors.identity import KeyTrouble, SigningKeyUnavailable
from shared.domain.signatures import Signature, signed_text
from tests.contract.sample_records import coordinate, release
from tests.fakes.system import FakeClock

AT = coordinate("acme/greet:1.0.0")
DIGEST = release().archive_digest
SINCE = "2026-11-20T10:00:00Z"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def file(tmp_path: Path, clock: FakeClock) -> KeyFile:
    made = release_key_file(tmp_path / "keys", clock)
    made.make_missing()
    return made


def ring(file: KeyFile) -> ReleaseKeyRing:
    return ReleaseKeyRing.parse(file.path.read_text())


def signer(file: KeyFile, clock: FakeClock) -> ReleaseSigner:
    return ReleaseSigner(file.read, clock, list[KeyTrouble]().append)


def verify(key: ReleaseKey, signature: Signature, text: str) -> None:
    assert signature.keyid == key.keyid
    public = load_der_public_key(base64.b64decode(key.public))
    assert isinstance(public, PublicKey)
    public.verify(base64.b64decode(signature.sig), text.encode(), ECDSA(SHA256()))


def test_the_coordinate_and_the_digest_are_signed() -> None:
    assert signed_text(AT, release(digest="00" * 32).archive_digest) == (
        "acme/greet@1.0.0:sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    )


async def test_a_signature_holds_for_one_release(file: KeyFile, clock: FakeClock) -> None:
    signing = signer(file, clock)
    await signing.ready()
    [key] = await signing.keys()
    signature = signing.sign(AT, DIGEST)
    verify(key, signature, signed_text(AT, DIGEST))
    with pytest.raises(InvalidSignature):
        verify(key, signature, signed_text(coordinate("acme/greet:1.0.1"), DIGEST))


async def test_the_same_release_gets_the_same_signature(file: KeyFile, clock: FakeClock) -> None:
    signing = signer(file, clock)
    await signing.ready()
    assert signing.sign(AT, DIGEST) == signing.sign(AT, DIGEST)
    stored = release()
    assert signing.attested(stored).release.signatures == (signing.sign(AT, stored.archive_digest),)


def test_the_first_key_is_made_once_and_for_the_user_of_the_registry(file: KeyFile) -> None:
    text = file.path.read_text()
    file.make_missing()
    assert file.path.read_text() == text
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700


def test_a_new_key_signs_once_all_processes_know_it(file: KeyFile, clock: FakeClock) -> None:
    [first] = ring(file).keys
    assert ring(file).signing(clock.now_ms()).keyid == first.keyid
    clock.advance(timedelta(days=300))
    file.rotate(clock.now_ms())
    newest, before = ring(file).keys
    assert before.keyid == first.keyid
    assert ring(file).signing(clock.now_ms()).keyid == first.keyid
    clock.advance(SIGNS_AFTER)
    assert ring(file).signing(clock.now_ms()).keyid == newest.keyid
    assert newest.expires_ms is None
    assert before.expires_ms == newest.since_ms + EXPIRES_AFTER // timedelta(milliseconds=1)


def test_all_keys_stay_listed_and_old_ones_cannot_sign(file: KeyFile, clock: FakeClock) -> None:
    made = list[str]()
    for _ in range(4):
        made.insert(0, ring(file).keys[0].keyid)
        clock.advance(timedelta(days=1))
        file.rotate(clock.now_ms())
    keys = ring(file).keys
    assert [key.keyid for key in keys[1:]] == made
    assert [key.private is not None for key in keys] == [True, True, False, False, False]
    assert file.path.read_text().count("private") == 2


async def test_a_running_process_reads_a_new_key(file: KeyFile, clock: FakeClock) -> None:
    signing = signer(file, clock)
    await signing.ready()
    before = signing.sign(AT, DIGEST)
    file.rotate(clock.now_ms())
    clock.advance(SIGNS_AFTER)
    await signing.ready()
    assert signing.sign(AT, DIGEST).keyid == ring(file).keys[0].keyid != before.keyid


async def test_nothing_is_signed_without_a_key(tmp_path: Path, clock: FakeClock) -> None:
    file = release_key_file(tmp_path / "keys", clock)
    signing = signer(file, clock)
    with pytest.raises(SigningKeyUnavailable, match="no key to sign releases with"):
        await signing.ready()
    with pytest.raises(SigningKeyUnavailable):
        signing.sign(AT, DIGEST)
    file.make_missing()
    clock.advance(RETRY_AFTER)
    await signing.ready()
    assert signing.sign(AT, DIGEST)


async def test_a_file_that_cannot_be_read_is_a_refusal_and_a_warning(
    tmp_path: Path, clock: FakeClock
) -> None:
    file = release_key_file(tmp_path / "keys", clock)
    troubles = list[KeyTrouble]()
    signing = ReleaseSigner(file.read, clock, troubles.append)
    file.path.mkdir(parents=True)
    with pytest.raises(SigningKeyUnavailable, match="its file cannot be read"):
        await signing.ready()
    file.path.rmdir()
    file.path.write_bytes(b"\xff")
    clock.advance(RETRY_AFTER)
    with pytest.raises(SigningKeyUnavailable):
        await signing.ready()
    assert troubles == [KeyTrouble.SILENT, KeyTrouble.UNUSABLE]


async def test_a_setting_may_have_commas_between_keys(clock: FakeClock) -> None:
    text = f"{new_line('2026-11-21T10:00:00Z')},{new_line(SINCE)}"
    signing = ReleaseSigner(text_of_setting(Secret(text)), clock, list[KeyTrouble]().append)
    assert len(await signing.keys()) == 2


def other_curve() -> str:
    key = generate_private_key(SECP384R1())
    content = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return base64.b64encode(content).decode()


PUBLIC = ReleaseKeyRing.parse(new_line(SINCE)).keys[0].public


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secret",
        f"{SINCE} private secret!",
        f"{SINCE} private c2VjcmV0",
        f"{SINCE} public c2VjcmV0",
        f"{SINCE} secret {PUBLIC}",
        f"{SINCE} public {PUBLIC}",
        f"yesterday-secret public {PUBLIC}",
        f"{SINCE} private {other_curve()}",
        "@Microsoft.KeyVault(SecretUri=https://kv-test.vault.azure.net/secrets/release-keys)",
    ],
)
def test_a_text_without_a_usable_key_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        ReleaseKeyRing.parse(text)
    assert text.rpartition(" ")[2] not in str(refused.value) or not text
