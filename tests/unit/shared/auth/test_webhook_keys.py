"""The encryption of secrets of webhooks, and of the keys that encrypt them."""

import pytest

from shared.auth.encryption import KEY_BYTES, Undecryptable
from shared.auth.signing_keys import KeyRing
from shared.auth.webhook_keys import (
    REGISTRY_KEYS_KEPT,
    decrypt_secret,
    encrypt_secret,
    rewrapped,
    unused_keys,
    unwrap,
    wrap,
    wrapping_keys,
)
from shared.domain.entities import Place
from shared.domain.webhooks import WrappedKey
from tests.fakes.system import FakeRandomness

pytestmark = pytest.mark.measured

RANDOMNESS = FakeRandomness("webhook keys")
KEY = b"k" * KEY_BYTES
HERE = Place("acme", "w1")
SECRET = "whsec_c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0"


def ring(*letters: str) -> dict[str, bytes]:
    """Return what encrypts keys of webhooks, for keys of the registry, the newest first."""
    return wrapping_keys(KeyRing.of_setting(",".join(each * 32 for each in letters)))


def stored(*letters: str) -> WrappedKey:
    return WrappedKey(id="d1", made_ms=1, wrapped=wrap(KEY, "d1", ring(*letters), RANDOMNESS))


def test_a_secret_is_decrypted_at_its_place_with_its_key() -> None:
    encrypted = encrypt_secret(SECRET, HERE, "d1", KEY, RANDOMNESS)
    assert decrypt_secret(encrypted, HERE, KEY) == SECRET
    assert SECRET not in encrypted.model_dump_json()
    assert encrypt_secret(SECRET, HERE, "d1", KEY, RANDOMNESS) != encrypted


@pytest.mark.parametrize(
    ("place", "key"),
    [
        pytest.param(Place("acme", "w2"), KEY, id="of another webhook"),
        pytest.param(Place("other", "w1"), KEY, id="of another organization"),
        pytest.param(HERE, b"l" * KEY_BYTES, id="with another key"),
    ],
)
def test_a_secret_that_was_moved_is_refused(place: Place, key: bytes) -> None:
    encrypted = encrypt_secret(SECRET, HERE, "d1", KEY, RANDOMNESS)
    with pytest.raises(Undecryptable):
        decrypt_secret(encrypted, place, key)


@pytest.mark.parametrize("text", ["", "AAAA", "no base64!", "A" * 60])
def test_what_is_no_ciphertext_is_refused(text: str) -> None:
    encrypted = encrypt_secret(SECRET, HERE, "d1", KEY, RANDOMNESS)
    with pytest.raises(Undecryptable):
        decrypt_secret(encrypted.model_copy(update={"text": text}), HERE, KEY)


def test_each_key_of_the_registry_that_is_known_decrypts_the_key() -> None:
    both = stored("b", "a")
    assert unwrap(both, ring("a")) == unwrap(both, ring("c", "b")) == KEY
    assert unwrap(both, ring("c")) is None
    assert unwrap(both.model_copy(update={"id": "d2"}), ring("a")) is None


def test_a_rotation_of_the_registrys_key_adds_it_and_changes_nothing_twice() -> None:
    first = stored("a")
    second = rewrapped(first, ring("b", "a"), RANDOMNESS)
    assert unwrap(second, ring("b")) == KEY
    # A process that does not know the new key yet leaves it there.
    assert rewrapped(second, ring("a"), RANDOMNESS) is second
    assert rewrapped(first, ring("c"), RANDOMNESS) is first


def test_keys_of_the_registry_that_are_long_gone_decrypt_nothing() -> None:
    key = stored("a")
    for letters in ("ba", "cb", "dc", "ed"):
        key = rewrapped(key, ring(*letters), RANDOMNESS)
    assert len(key.wrapped) == REGISTRY_KEYS_KEPT
    assert unwrap(key, ring("a")) is None
    assert unwrap(key, ring("e")) == KEY


def test_a_key_is_unused_once_it_encrypts_nothing_and_is_not_the_first() -> None:
    keys = [WrappedKey(id=f"d{n}", made_ms=n, wrapped={}) for n in (4, 3, 2, 1)]
    assert unused_keys(keys, ["d2"], before_ms=3) == {"d1"}
    assert unused_keys(keys[:1], [], before_ms=9) == set()


def test_a_key_that_was_replaced_just_now_stays_for_writes_that_were_begun_with_it() -> None:
    keys = [
        WrappedKey(id="new", made_ms=100, wrapped={}),
        WrappedKey(id="old", made_ms=1, wrapped={}),
    ]
    assert unused_keys(keys, [], before_ms=99) == set()
    assert unused_keys(keys, [], before_ms=101) == {"old"}
