"""Who may report leaked tokens, and what a report says."""

import json
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given
from hypothesis import strategies as st

from shared.auth.leak_reports import (
    MAX_ADDRESS_LENGTH,
    FetchedScannerKeys,
    LeakReports,
    ScannerKey,
    parse_report,
)
from shared.domain.errors.base import Refusal
from shared.domain.errors.requests import BodyUnreadable, Busy
from shared.ports.http_client import HttpResponse
from tests.fakes.secret_scanner import PEM, PUBLIC, FakeScanner, found
from tests.fakes.system import FakeClock
from tests.support.refusals import raises_refusal

# The example of GitHub's documentation, which is signed with a key for tests.
GITHUB_BODY = b'[{"token":"some_token","type":"some_type","url":"some_url","source":"some_source"}]'
GITHUB_HEADERS = {
    "github-public-key-identifier": (
        "f9525bf080f75b3506ca1ead061add62b8633a346606dc5fe544e29231c6ee0d"
    ),
    "github-public-key-signature": (
        "MEUCIFLZzeK++IhS+y276SRk2Pe5LfDrfvTXu6iwKKcFGCrvAiEAhHN2kDOhy2I6eGkOFmxNkOJ+L2y8oQ9A2T9GGJo6"
        "WJY="
    ),
}
GITHUB_KEY = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEsz9ugWDj5jK5ELBK42ynytbo38gP
HzZFI03Exwz8Lh/tCfL3YxwMdLjB+bMznsanlhK0RwcGP3IDb34kQDIo3Q==
-----END PUBLIC KEY-----
"""


def fetched(scanner: FakeScanner, clock: FakeClock, *heard: list[str]) -> FetchedScannerKeys:
    """Return the keys of a scanner, as they are read at an address."""

    def failed(reason: str) -> None:
        for each in heard:
            each.append(reason)

    return FetchedScannerKeys(scanner, "https://scanner.example/keys", clock, on_failure=failed)


@pytest.fixture
def scanner() -> FakeScanner:
    return FakeScanner()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def reports(scanner: FakeScanner, clock: FakeClock) -> LeakReports:
    return LeakReports(fetched(scanner, clock))


async def test_a_report_that_github_signed_is_accepted(
    reports: LeakReports, scanner: FakeScanner
) -> None:
    key = {"key_identifier": GITHUB_HEADERS["github-public-key-identifier"], "key": GITHUB_KEY}
    scanner.answer = HttpResponse(200, {}, json.dumps({"public_keys": [key]}).encode())
    [leaked] = await reports.read(GITHUB_BODY, GITHUB_HEADERS)
    assert (leaked.text.reveal(), leaked.kind, leaked.address) == (
        "some_token",
        "some_type",
        "some_url",
    )


@pytest.mark.parametrize("signature", ["", "!", "AAAA", "A" * 5000, "\u00e9", "====", "MAA="])
async def test_an_invalid_signature_is_refused(
    reports: LeakReports, scanner: FakeScanner, signature: str
) -> None:
    headers = {**scanner.headers(b"[]"), "github-public-key-signature": signature}
    with raises_refusal("report-unsigned"):
        await reports.read(b"[]", headers)


# --- where keys come from ----------------------------------------------------------------------


async def test_made_up_identifiers_cost_the_scanner_one_question_a_minute(
    reports: LeakReports, scanner: FakeScanner, clock: FakeClock
) -> None:
    for number in range(50):
        headers = {**scanner.headers(b"[]"), "github-public-key-identifier": f"made-up-{number}"}
        with raises_refusal("report-unsigned"):
            await reports.read(b"[]", headers)
        clock.advance(timedelta(seconds=2))
    assert scanner.fetched == 2


@pytest.mark.parametrize(
    ("status", "published"),
    [
        (200, b""),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"public_keys":[]}'),
        (200, b'{"public_keys":[{"key_identifier":"a","key":"b"}]}'),
        (404, FakeScanner().published),
    ],
)
async def test_a_list_of_keys_that_cannot_be_read_is_an_outage(
    status: int, published: bytes, scanner: FakeScanner, clock: FakeClock
) -> None:
    scanner.answer = HttpResponse(status, {}, published)
    heard: list[str] = []
    with pytest.raises(Busy):
        await fetched(scanner, clock, heard).find(scanner.identifier)
    assert len(heard) == 1
    assert heard[0].startswith("the answer was ")


def public_pem(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> str:
    """Return the public half."""
    return key.public_key().public_bytes(PEM, PUBLIC).decode()


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        public_pem(ec.generate_private_key(ec.SECP384R1())),
        public_pem(ed25519.Ed25519PrivateKey.generate()),
        FakeScanner()
        .key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode(),
    ],
    ids=["nonsense", "no key", "another curve", "another kind", "a private key"],
)
def test_a_key_is_a_public_one_on_p256(text: str) -> None:
    with pytest.raises(ValueError, match=r"^it is no public key on"):
        ScannerKey.of_pem(text)


# --- what a report says ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[1]", b"[{}]", b'[{"token":1}]', b'{"token":"a"}', b"\xff", b"[" * 10_000],
)
def test_an_invalid_report_is_refused(body: bytes) -> None:
    with pytest.raises(BodyUnreadable, match="a JSON list of objects"):
        parse_report(body)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://code.example/a?b=secret&c=secret", "https://code.example/a?b=****&c=****"),
        ("x" * 9_999, "x" * MAX_ADDRESS_LENGTH),
        ("https://code.example/\x1b[31m", ""),
        ("two\nlines", ""),
    ],
)
def test_where_a_token_was_found_is_short_printable_and_without_the_token(
    url: str, shown: str
) -> None:
    [leaked] = parse_report(found("secret", url=url))
    assert leaked.address == shown


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.text(), st.lists).map(lambda value: json.dumps(value).encode())
)
def test_any_body_is_read_or_refused(body: bytes) -> None:
    try:
        parse_report(body)
    except Refusal:
        return


def test_a_token_is_hidden_wherever_a_report_repeats_it_and_other_fields_stay() -> None:
    entries = [{"token": "a", "url": None, "new": {"deep": [1]}}]
    entries += [{"token": "secret", "type": "a secret kind", "url": "https://x/secret"}]
    other, leaked = parse_report(json.dumps(entries).encode())
    assert (other.text.reveal(), other.kind, other.address) == ("a", "", "")
    assert (leaked.kind, leaked.address) == ("a **** kind", "https://x/****")
