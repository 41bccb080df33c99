"""The keys that sign checkpoints: their text, and a rotation during which two sign."""

from datetime import timedelta
from pathlib import Path

import pytest

from shared.auth.key_texts import KeyFile
from shared.auth.log_keys import OTHER_LOGS, LogKeyRing, LogKeys, log_key_file
from shared.auth.reread_secrets import REREAD_AFTER
from shared.domain.errors.identity import KeyTrouble, SigningKeyUnavailable
from shared.domain.times import MS
from tests.fakes.system import FakeClock, FakeRandomness

SEED = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
SINCE = "2026-11-20T10:00:00Z"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def file(tmp_path: Path, clock: FakeClock) -> KeyFile:
    return log_key_file(tmp_path / "keys", clock, FakeRandomness())


def keys(file: KeyFile, clock: FakeClock) -> LogKeys:
    return LogKeys(file.read, clock, list[KeyTrouble]().append)


async def test_only_the_first_key_signs(file: KeyFile, clock: FakeClock) -> None:
    file.make_missing()
    read = keys(file, clock)
    await read.ready()
    [key] = read.signers()
    assert len(key.seed) == 32
    assert key.secret.reveal() not in repr(key)


async def test_two_keys_sign_until_the_date_of_a_rotation(file: KeyFile, clock: FakeClock) -> None:
    file.make_missing()
    read = keys(file, clock)
    await read.ready()
    [first] = read.signers()
    file.rotate(clock.now_ms() + timedelta(days=90) // MS)
    clock.advance(2 * REREAD_AFTER)
    await read.ready()
    newest, second = read.signers()
    assert second.seed == first.seed != newest.seed
    clock.advance(timedelta(days=90))
    assert [each.seed for each in read.signers()] == [newest.seed]


def test_a_second_rotation_prolongs_no_key(file: KeyFile, clock: FakeClock) -> None:
    file.make_missing()
    ends_ms = clock.now_ms() + timedelta(days=2) // MS
    file.rotate(ends_ms)
    file.rotate(clock.now_ms() + timedelta(days=90) // MS)
    _, second, first = LogKeyRing.parse(file.path.read_text()).keys
    assert first.until_ms is not None
    assert second.until_ms is not None
    assert first.until_ms <= ends_ms < second.until_ms


async def test_nothing_signs_without_a_key(file: KeyFile, clock: FakeClock) -> None:
    with pytest.raises(SigningKeyUnavailable, match="no key to sign the log with"):
        await keys(file, clock).ready()


async def test_a_witness_without_a_key_says_that_it_cosigns_nothing(
    file: KeyFile, clock: FakeClock
) -> None:
    witness = LogKeys(file.read, clock, list[KeyTrouble]().append, signed=OTHER_LOGS)
    with pytest.raises(SigningKeyUnavailable, match="no key to sign other logs with"):
        await witness.ready()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secret",
        f"{SINCE} c2VjcmV0",
        f"{SINCE} secret!",
        f"{SINCE} {SEED} until {SINCE}",
        f"{SINCE} {SEED} after {SINCE}",
        f"never {SEED}",
    ],
)
def test_a_text_without_a_usable_key_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        LogKeyRing.parse(text)
    assert "c2VjcmV0" not in str(refused.value)
    assert SEED not in str(refused.value)
