"""Signed links to blobs: what is signed, for how long, and what becomes of a key that ends."""

import asyncio
import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from functions.http.caching_headers import CACHE_PRIVATE
from shared.adapters.blob.client import (
    CLOCK_SKEW,
    KEY_LIFETIME,
    KEY_RENEWAL_MARGIN,
    KEY_RETRY_INTERVAL,
    LINK_CACHE_CONTROL,
    LINK_LIFETIME,
    BlobContainers,
    BlobLinks,
)
from shared.domain.archives.containers import ArchiveContainer
from shared.domain.archives.delivery import ARCHIVE_CACHE_PUBLIC
from shared.domain.errors.requests import Busy
from tests.contract.sample_records import DIGEST, NAME
from tests.fakes.blob_storage import ACCOUNT, KEY, OBJECT, TENANT, DelegationKeyService
from tests.fakes.system import FakeClock

_MS = timedelta(milliseconds=1)
PUBLIC = ArchiveContainer.PUBLIC
PRIVATE = ArchiveContainer.PRIVATE
FILE = "acme-greet-any-1.0.0.bala"
PATH = f"{DIGEST}/1.0.0/{FILE}"


@pytest.fixture
def clock() -> FakeClock:
    """Return the clock of this instance."""
    return FakeClock()


@pytest.fixture
def service() -> DelegationKeyService:
    """Return what lends keys."""
    return DelegationKeyService()


@pytest.fixture
def links(service: DelegationKeyService, clock: FakeClock) -> BlobLinks:
    """Return what signs with lent keys."""
    return BlobLinks(BlobContainers(service.client), clock)


def query_of(link: str) -> dict[str, str]:
    """Return the decoded parameters of a link."""
    return dict(parse_qsl(urlsplit(link).query, keep_blank_values=True))


def stamp(at_ms: int) -> str:
    """Return a time as links and keys write it."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def nothing_under_way() -> None:
    """Let what nobody waits for come to its end: it waits for nothing either."""
    for _ in range(100):
        await asyncio.sleep(0)


# --- what is signed ----------------------------------------------------------------------------


@pytest.mark.parametrize(("side", "container"), [(PUBLIC, "archives"), (PRIVATE, "private")])
async def test_a_link_is_an_address_that_clients_can_read(
    links: BlobLinks, side: ArchiveContainer, container: str
) -> None:
    link = urlsplit((await links.link(NAME, side, FILE)).url)
    assert f"{link.scheme}://{link.netloc}" == ACCOUNT
    assert link.path == f"/{container}/{PATH}"


@pytest.mark.parametrize("side", ArchiveContainer)
async def test_a_link_is_repeated_for_a_sixth_of_its_life(
    links: BlobLinks, clock: FakeClock, side: ArchiveContainer
) -> None:
    link = await links.link(NAME, side, FILE)
    cached_ms = link.cacheable_until_ms - clock.monotonic_ms()
    assert cached_ms * 6 == LINK_LIFETIME[side] // timedelta(milliseconds=1)


async def test_no_slash_is_in_the_query_whatever_the_signature_is(
    links: BlobLinks, clock: FakeClock
) -> None:
    escaped = 0
    for _ in range(50):
        clock.advance(timedelta(seconds=1))
        query = urlsplit((await links.link(NAME, PRIVATE, FILE)).url).query
        assert "/" not in query
        escaped += "/" in parse_qs(query)["sig"][0]
    assert escaped  # Most signatures have a slash, and the library leaves it as it is.


@pytest.mark.parametrize("side", ArchiveContainer)
async def test_a_delegation_key_signs_the_string_that_the_service_documents(
    links: BlobLinks, clock: FakeClock, side: ArchiveContainer
) -> None:
    query = query_of((await links.link(NAME, side, "given.bala")).url)
    now_ms = clock.now_ms()
    container = {PUBLIC: "archives", PRIVATE: "private"}[side]
    skew_ms, key_ms = (each // timedelta(milliseconds=1) for each in (CLOCK_SKEW, KEY_LIFETIME))
    link_ms = LINK_LIFETIME[side] // timedelta(milliseconds=1)
    # "Create a user delegation SAS", the string to sign of version 2026-04-06 and later, by lines.
    to_sign = [
        "r",  # signedPermissions
        stamp(now_ms - skew_ms),  # signedStart
        stamp(now_ms + link_ms),  # signedExpiry
        f"/blob/ballroom/{container}/{PATH}",  # canonicalizedResource
        OBJECT,  # signedKeyObjectId
        TENANT,  # signedKeyTenantId
        stamp(now_ms - skew_ms),  # signedKeyStart
        stamp(now_ms + key_ms),  # signedKeyExpiry
        "b",  # signedKeyService
        "2026-02-06",  # signedKeyVersion
        "",  # signedAuthorizedUserObjectId
        "",  # signedUnauthorizedUserObjectId
        "",  # signedCorrelationId
        "",  # signedKeyDelegatedUserTenantId
        "",  # signedDelegatedUserObjectId
        "",  # signedIP
        "https",  # signedProtocol
        query["sv"],  # signedVersion
        "b",  # signedResource
        "",  # signedSnapshotTime
        "",  # signedEncryptionScope
        "",  # canonicalizedSignedRequestHeaders
        "",  # canonicalizedSignedRequestQueryParameters
        LINK_CACHE_CONTROL[side],  # rscc
        "attachment; filename=given.bala",  # rscd
        "",  # rsce
        "",  # rscl
        "application/octet-stream",  # rsct
    ]
    key = base64.b64decode(KEY)
    text = "\n".join(to_sign).encode()
    signature = base64.b64encode(hmac.digest(key, text, hashlib.sha256)).decode()
    assert query.pop("sig") == signature
    assert query == {
        "st": to_sign[1],
        "se": to_sign[2],
        "sp": "r",
        "spr": "https",
        "sv": query["sv"],
        "sr": "b",
        "skoid": OBJECT,
        "sktid": TENANT,
        "skt": to_sign[6],
        "ske": to_sign[7],
        "sks": "b",
        "skv": "2026-02-06",
        "rscc": LINK_CACHE_CONTROL[side],
        "rscd": to_sign[24],
        "rsct": "application/octet-stream",
    }


def test_a_private_link_expires_after_a_minute_and_a_public_one_with_the_copies() -> None:
    assert LINK_LIFETIME[PRIVATE] == timedelta(seconds=60)
    assert LINK_CACHE_CONTROL == {PUBLIC: "public, max-age=300", PRIVATE: CACHE_PRIVATE}
    assert f"max-age={LINK_LIFETIME[PUBLIC].seconds}" in ARCHIVE_CACHE_PUBLIC


# --- keys that are lent ------------------------------------------------------------------------


async def test_one_key_signs_all_links_until_the_next_one_is_there(
    links: BlobLinks, clock: FakeClock, service: DelegationKeyService
) -> None:
    await asyncio.gather(*(links.link(NAME, PRIVATE, FILE) for _ in range(20)))
    assert len(service.asked) == 1
    clock.advance(KEY_LIFETIME - KEY_RENEWAL_MARGIN - CLOCK_SKEW - timedelta(minutes=2))
    await links.link(NAME, PRIVATE, FILE)
    assert len(service.asked) == 1
    clock.advance(timedelta(minutes=2))
    before = query_of((await links.link(NAME, PRIVATE, FILE)).url)  # Which nobody waits with.
    await nothing_under_way()
    after = query_of((await links.link(NAME, PRIVATE, FILE)).url)
    assert len(service.asked) == 2
    assert before["ske"] < after["ske"] == stamp(clock.now_ms() + int(KEY_LIFETIME / _MS))


async def test_no_link_outlives_its_key_whatever_the_hour(
    links: BlobLinks, clock: FakeClock, service: DelegationKeyService
) -> None:
    signed = 0
    for minute in range(0, 24 * 60, 7):
        service.status = 200 if minute % 3 else 503  # A third of the requests come to nothing.
        clock.advance(timedelta(minutes=7))
        try:
            query = query_of((await links.link(NAME, PUBLIC, FILE)).url)
        except Busy:
            continue
        await nothing_under_way()
        assert query["st"] < query["se"] < query["ske"]
        assert query["skt"] <= stamp(clock.now_ms())
        signed += 1
    assert len(service.asked) < 40
    assert signed > 100


@pytest.mark.parametrize("status", [0, 403, 500, 503])
async def test_without_a_key_there_is_no_link_and_nobody_asks_for_a_while(
    links: BlobLinks, clock: FakeClock, service: DelegationKeyService, status: int
) -> None:
    service.status = status
    for _ in range(3):
        with pytest.raises(Busy):
            await links.link(NAME, PUBLIC, FILE)
    assert len(service.asked) == 1
    service.status = 200
    clock.advance(KEY_RETRY_INTERVAL)
    assert (await links.link(NAME, PUBLIC, FILE)).url


async def test_a_key_that_cannot_be_renewed_goes_on_until_it_ends(
    links: BlobLinks, clock: FakeClock, service: DelegationKeyService
) -> None:
    await links.link(NAME, PUBLIC, FILE)
    service.status = 503
    clock.advance(KEY_LIFETIME - CLOCK_SKEW - LINK_LIFETIME[PUBLIC] - timedelta(seconds=1))
    assert await links.link(NAME, PUBLIC, FILE)
    clock.advance(timedelta(seconds=2))
    with pytest.raises(Busy):
        await links.link(NAME, PUBLIC, FILE)


async def test_a_key_that_does_not_come_is_not_waited_for_for_long(clock: FakeClock) -> None:
    class Silent(DelegationKeyService):
        async def send(self, request: object, **options: object) -> object:
            raise TimeoutError

    with pytest.raises(Busy):
        await BlobLinks(BlobContainers(Silent().client), clock).link(NAME, PUBLIC, FILE)
