"""How old the keys of a registry are, by where they lie."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.auth.log_keys import LogKeys
from shared.auth.release_keys import ReleaseSigner
from shared.auth.signing_keys import KeyRing
from shared.bootstrap.build import build_registry
from shared.services.administration.key_ages import KeyAge, KeyAges, KeyKind
from tests.fakes.key_vault import VaultDouble
from tests.fakes.release_keys import RELEASE_KEYS
from tests.fakes.system import START_MS, FakeClock
from tests.support.world import Template, settings_of

pytestmark = pytest.mark.measured


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def nothing() -> None:
    return None


def by_kind(ages: list[KeyAge]) -> dict[KeyKind, KeyAge]:
    return {each.kind: each for each in ages}


async def test_keys_of_a_data_folder_have_ages_and_a_way_to_the_next_one(
    template: Template,
) -> None:
    settings = settings_of(template.folder, release_keys=RELEASE_KEYS, log_keys=None)
    registry = build_registry(settings)
    found = by_kind(await registry.administration.key_ages.ages())
    await registry.close()
    assert list(found) == [each for each in KeyKind if each is not KeyKind.CERTIFICATE]
    assert found[KeyKind.LINKS].place.where == "keys/*.key in the data folder"
    assert "`ballroom keys rotate`" in found[KeyKind.LINKS].place.rotation
    assert found[KeyKind.LOG].place.where == "keys/log-keys in the data folder"
    assert "`ballroom log rotate-key" in found[KeyKind.LOG].place.rotation
    assert found[KeyKind.RELEASES].place.where == "BALLROOM_RELEASE_KEYS"
    made = datetime(2026, 9, 1, tzinfo=UTC).timestamp() * 1_000
    assert found[KeyKind.RELEASES].made_ms == made


async def test_keys_of_a_vault_are_as_old_as_their_version_of_the_secret(
    clock: FakeClock, tmp_path: Path
) -> None:
    vault = VaultDouble(clock)
    vault.store("k" * 32)
    clock.advance(timedelta(days=401))
    settings = settings_of(
        tmp_path,
        cosmos_endpoint="https://ballroom.documents.azure.com",
        blob_endpoint="https://ballroom.blob.core.windows.net",
        key_vault="https://kv-test.vault.azure.net",
    )
    registry = build_registry(settings)
    ages = registry.administration.key_ages
    with_vault = KeyAges(
        keys=vault.keys(),
        release_signer=ages.release_signer,
        log_keys=ages.log_keys,
        witness_keys=ages.witness_keys,
        webhooks_made_ms=nothing,
        certificate_made_ms=None,
        places={KeyKind.LINKS: ages.places[KeyKind.LINKS]},
        clock=clock,
    )
    [links] = await with_vault.ages()
    await registry.close()
    assert (links.days(clock.now_ms()), links.is_old(clock.now_ms())) == (401, True)
    assert links.place.where == "the secret link-key of https://kv-test.vault.azure.net"
    assert links.place.rotation == "Run `infra/keys.sh VAULT rotate`."


async def test_a_key_that_is_missing_has_no_age_and_a_reason(
    clock: FakeClock, tmp_path: Path
) -> None:
    registry = build_registry(settings_of(tmp_path, link_key="k" * 32))
    ages = KeyAges(
        keys=KeyRing.of_setting("k" * 32),
        release_signer=ReleaseSigner(nothing, clock, lambda _: None),
        log_keys=LogKeys(nothing, clock, lambda _: None),
        witness_keys=LogKeys(nothing, clock, lambda _: None, signed="other logs"),
        webhooks_made_ms=nothing,
        certificate_made_ms=None,
        places=registry.administration.key_ages.places,
        clock=clock,
    )
    found = by_kind(await ages.ages())
    await registry.close()
    assert [each.made_ms for each in found.values()] == [None] * 5
    assert "no key to sign releases with" in found[KeyKind.RELEASES].missing
    assert found[KeyKind.LINKS].missing == ""
    assert found[KeyKind.LINKS].place.where == "BALLROOM_LINK_KEY"
    assert await ages.seconds() == {}


@pytest.mark.parametrize(
    ("days", "kind", "is_old"),
    [
        (399, KeyKind.RELEASES, False),
        (401, KeyKind.RELEASES, True),
        (4_000, KeyKind.WITNESS, False),
        (4_000, KeyKind.CERTIFICATE, False),
        (-1, KeyKind.LINKS, False),
    ],
)
async def test_a_key_is_old_a_month_after_its_year(
    days: int, kind: KeyKind, is_old: bool, tmp_path: Path
) -> None:
    registry = build_registry(settings_of(tmp_path, tls_cert=Path("chain.pem")))
    place = registry.administration.key_ages.places[kind]
    await registry.close()
    age = KeyAge(kind, place, START_MS - timedelta(days=days) // timedelta(milliseconds=1))
    assert age.is_old(START_MS) is is_old
    assert (age.days(START_MS) or 0) == max(0, days)
