"""Keys of issuers: how their documents are read, and when keys are fetched again."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from shared.auth.issuer_keys import MAX_ISSUER_KEYS, IssuerDiscovery, IssuerDocument, IssuerKeys
from shared.ports.http_client import HttpResponse, Unanswered
from shared.runtime.refreshed_values import ignore_failure
from tests.fakes.identity_provider import FakeInternet, Issuer, ec_key, jwk, rsa_key
from tests.fakes.system import FakeClock

TENANT = "https://login.test/tenant"
WHOLE: dict[str, Any] = {
    "issuer": TENANT,
    "jwks_uri": f"{TENANT}/keys",
    "authorization_endpoint": f"{TENANT}/authorize",
    "token_endpoint": f"{TENANT}/token",
    "userinfo_endpoint": f"{TENANT}/userinfo",
    "token_endpoint_auth_methods_supported": ["client_secret_post", 7, "private_key_jwt"],
    "authorization_response_iss_parameter_supported": True,
}


def test_a_document_is_read_by_the_names_of_the_standard(snapshot: SnapshotAssertion) -> None:
    assert repr(IssuerDocument.parse(WHOLE, TENANT)) == snapshot


@pytest.mark.parametrize("keys", [None, "", 7])
def test_a_document_without_the_address_of_its_keys_is_refused(keys: object) -> None:
    with pytest.raises(Unanswered, match=r"^the document lacks the address of its keys$"):
        IssuerDocument.parse({**WHOLE, "jwks_uri": keys}, TENANT)


@pytest.mark.parametrize("issuer", [None, f"{TENANT}/", "https://other.test"])
def test_the_document_of_another_issuer_is_refused(issuer: object) -> None:
    with pytest.raises(Unanswered, match=r"^the document is of another issuer$"):
        IssuerDocument.parse({**WHOLE, "issuer": issuer}, TENANT)


URL = "https://login.test"


class IssuerSetup:
    """An issuer, the way to it, and its keys as the registry sees them."""

    def __init__(self, issuer: Issuer | None = None) -> None:
        """Look at the issuer for the first time."""
        self.issuer = issuer or Issuer(URL)
        self.internet = FakeInternet([self.issuer])
        self.clock = FakeClock()
        discovery = IssuerDiscovery(self.internet, self.clock, ignore_failure)
        self.silent: list[str] = []
        self.keys = IssuerKeys(
            self.internet, discovery, self.clock, lambda name, _: self.silent.append(name)
        )

    async def has(self, name: str, algorithm: str = "RS256") -> bool:
        """Say whether the key is found."""
        return await self.keys.find(self.issuer.url, name, algorithm) is not None


async def test_keys_are_read_once_for_many_tokens() -> None:
    setup = IssuerSetup()
    for _ in range(5):
        assert await setup.has("key-1")
    assert setup.issuer.calls == ["discovery", "keys"]


async def test_a_key_is_for_its_own_algorithm() -> None:
    setup = IssuerSetup(Issuer(URL, keys={"key-1": rsa_key(1), "key-2": ec_key(1)}))
    assert await setup.has("key-1", "RS256")
    assert await setup.has("key-2", "ES256")
    assert not await setup.has("key-1", "ES256")
    assert not await setup.has("key-2", "RS256")
    assert not await setup.has("key-1", "HS256")


async def test_a_new_key_is_found_as_soon_as_a_token_names_it() -> None:
    setup = IssuerSetup()
    await setup.has("key-1")
    setup.issuer.rotate()
    setup.clock.advance(timedelta(minutes=1))
    assert await setup.has("key-2")
    assert not await setup.has("key-1")


async def test_unknown_names_ask_the_issuer_once_a_minute_at_most() -> None:
    setup = IssuerSetup()
    for number in range(50):
        assert not await setup.has(f"guess-{number}")
    assert setup.issuer.calls.count("keys") == 1
    setup.clock.advance(timedelta(minutes=1))
    for number in range(50):
        assert not await setup.has(f"guess-{number}")
    assert setup.issuer.calls.count("keys") == 2


async def test_a_withdrawn_key_is_forgotten_within_an_hour() -> None:
    setup = IssuerSetup()
    assert await setup.has("key-1")
    setup.issuer.rotate()
    setup.clock.advance(timedelta(minutes=59))
    assert await setup.has("key-1")
    setup.clock.advance(timedelta(minutes=1))
    assert not await setup.has("key-1")


async def test_known_keys_outlive_an_outage_of_a_day() -> None:
    setup = IssuerSetup()
    await setup.has("key-1")
    setup.internet.is_down = True
    setup.clock.advance(timedelta(hours=23, minutes=59))
    assert await setup.has("key-1")
    setup.clock.advance(timedelta(minutes=1))
    with pytest.raises(Unanswered):
        await setup.has("key-1")
    setup.internet.is_down = False
    setup.clock.advance(timedelta(minutes=1))
    assert await setup.has("key-1")


async def test_an_unknown_key_is_no_answer_while_the_issuer_is_away() -> None:
    setup = IssuerSetup()
    await setup.has("key-1")
    setup.issuer.rotate()
    setup.internet.is_down = True
    setup.clock.advance(timedelta(minutes=1))
    for _ in range(2):  # The second one repeats the failure of the first.
        with pytest.raises(Unanswered):
            await setup.has("key-2")
    assert await setup.has("key-1")
    setup.internet.is_down = False
    setup.clock.advance(timedelta(minutes=1))
    assert await setup.has("key-2")


async def test_during_an_outage_the_issuer_is_asked_once_a_minute() -> None:
    setup = IssuerSetup()
    await setup.has("key-1")
    setup.clock.advance(timedelta(hours=2))
    setup.internet.is_down = True
    asked = len(setup.internet.asked)
    for _ in range(10):
        await setup.has("key-1")
    assert len(setup.internet.asked) == asked + 2  # The document, and the keys.
    assert setup.silent == [f"keys of {URL}"]


async def test_without_any_key_a_silent_issuer_is_asked_every_ten_seconds() -> None:
    setup = IssuerSetup()
    setup.internet.is_down = True
    for _ in range(5):
        with pytest.raises(Unanswered):
            await setup.has("key-1")
    assert len(setup.internet.asked) == 1
    setup.internet.is_down = False
    setup.clock.advance(timedelta(seconds=10))
    assert await setup.has("key-1")


async def test_without_a_name_only_a_lone_key_is_found() -> None:
    setup = IssuerSetup()
    assert await setup.has("")
    several = IssuerSetup(Issuer(URL, keys={"key-1": rsa_key(1), "key-2": rsa_key(2)}))
    assert not await several.has("")
    assert await several.has("key-2")


class Fixed:
    """A provider whose key set is what the test says."""

    def __init__(self, *keys: Any, status: int = 200) -> None:
        """Show these entries."""
        self.keys = {"keys": list(keys)}
        self.status = status
        self.asked: list[tuple[str, dict[str, str]]] = []

    async def get(self, url: str, headers: Mapping[str, str]) -> HttpResponse:
        """Return the discovery document, or the keys."""
        self.asked.append((url, dict(headers)))
        document = {"issuer": URL, "jwks_uri": f"{URL}/keys"}
        body = json.dumps(self.keys if url.endswith("/keys") else document)
        return HttpResponse(self.status, {}, body.encode())

    async def post(self, url: str, headers: Any, body: bytes) -> HttpResponse:
        """Answer nothing."""
        raise NotImplementedError


@pytest.mark.parametrize("issuer", [TENANT, f"{TENANT}/"])
async def test_a_document_is_asked_for_at_the_address_of_the_standard(issuer: str) -> None:
    shown: list[tuple[str, str]] = []
    fixed = Fixed(status=404)
    with pytest.raises(Unanswered):
        await IssuerDiscovery(fixed, FakeClock(), lambda *said: shown.append(said)).document(issuer)
    address = f"{TENANT}/.well-known/openid-configuration"
    assert fixed.asked == [(address, {"Accept": "application/json"})]
    assert shown == [(issuer, "the answer was 404")]


def keys_of(fixed: Fixed) -> IssuerKeys:
    clock = FakeClock()
    return IssuerKeys(fixed, IssuerDiscovery(fixed, clock, ignore_failure), clock, ignore_failure)


@pytest.mark.parametrize(
    "entry",
    [
        {"kty": "oct", "kid": "bad", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQt", "alg": "HS256"},
        jwk(rsa_key(9, 1024), "bad"),
        jwk(rsa_key(1), "bad", use="enc"),
        jwk(rsa_key(1), "bad", n="AQAB"),
        {**jwk(ec_key(1), "bad"), "crv": "P-999"},
        {"kty": "RSA", "kid": "bad"},
        {"kid": "bad"},
        "bad",
        None,
        7,
    ],
    ids=["oct", "short", "encrypts", "tiny", "curve", "empty", "bare", "text", "null", "number"],
)
async def test_a_key_that_cannot_be_used_is_left_out(entry: Any) -> None:
    keys = keys_of(Fixed(entry, jwk(rsa_key(1), "good")))
    for algorithm in ("RS256", "ES256", "HS256"):
        assert await keys.find(URL, "bad", algorithm) is None
    assert await keys.find(URL, "good", "RS256")


async def test_only_the_first_of_too_many_keys_are_read() -> None:
    names = (f"key-{number}" for number in range(MAX_ISSUER_KEYS + 1))
    keys = keys_of(Fixed(*(jwk(rsa_key(1), name) for name in names)))
    assert await keys.find(URL, f"key-{MAX_ISSUER_KEYS - 1}", "RS256")
    assert await keys.find(URL, f"key-{MAX_ISSUER_KEYS}", "RS256") is None


@pytest.mark.parametrize("entries", [[], [None], "none"])
async def test_a_set_without_a_key_is_no_answer(entries: Any) -> None:
    fixed = Fixed()
    fixed.keys = {"keys": entries}
    with pytest.raises(Unanswered):
        await keys_of(fixed).find(URL, "key-1", "RS256")
