"""Reports of leaked tokens, signed as GitHub's secret scanning signs them.

A report is a JSON list; its raw body is signed with ECDSA on P-256 over SHA-256. A repeated report
changes nothing, so replays need no guard.
"""

import base64
from collections.abc import Callable, Mapping
from typing import Self

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from shared.auth.secrets import MASK, Secret
from shared.domain.errors.base import TooLarge, Unauthenticated
from shared.domain.errors.packages import file_too_large
from shared.domain.errors.requests import BodyUnreadable, Busy
from shared.domain.token_redaction import redact_tokens
from shared.ports.http_client import HttpClient, HttpResponse, Unanswered
from shared.ports.system import Clock
from shared.runtime.refreshed_values import Refreshed

KEY_HEADER = "github-public-key-identifier"
SIGNATURE_HEADER = "github-public-key-signature"

MAX_REPORT_BYTES = 1024 * 1024  # A thousand of the longest entries.
MAX_REPORTED = 1_000  # Each takes a read, and a token of this registry a write.
MAX_KIND_LENGTH = 80  # Characters of the type that the scanner reports.
MAX_ADDRESS_LENGTH = 500  # Characters of the address that the owner is shown.
MAX_SIGNATURE_LENGTH = 200  # Base64 characters; two integers of 32 bytes take about 96.

_LIST = 'a JSON list of objects, each with "token", "type" and "url"'


class LeakedToken(Struct, frozen=True):
    """A text that looks like a token, and the public address where a scanner found it."""

    text: Secret
    kind: str
    address: str


class _Entry(BaseModel):
    model_config = ConfigDict(defer_build=True)

    # Further fields are ignored: scanners may add some.
    token: str
    type: str = ""
    url: str | None = None


_ENTRIES = TypeAdapter(list[_Entry], config=ConfigDict(defer_build=True))


class ScannerKey(Struct, frozen=True):
    """A public key of a scanner."""

    public: bytes  # SubjectPublicKeyInfo.

    @classmethod
    def of_pem(cls, pem: str) -> Self:
        """Read a public key on P-256, or raise `ValueError`."""
        from shared.auth.p256 import public_key_of_pem  # noqa: PLC0415 - it takes 30 ms at start.

        try:
            return cls(public_key_of_pem(pem))
        except ValueError:
            message = "it is no public key on the curve P-256, in PEM"
            raise ValueError(message) from None

    def verifies(self, body: bytes, signature: str) -> bool:
        """Check whether the scanner signed these bytes."""
        from shared.auth.p256 import is_signed  # noqa: PLC0415 - it takes 30 ms at start.

        if len(signature) > MAX_SIGNATURE_LENGTH:
            return False
        try:
            decoded = base64.b64decode(signature, validate=True)
        except ValueError:
            return False
        return is_signed(self.public, decoded, body)


class FetchedScannerKeys:
    """Keys that a scanner publishes, as `Refreshed` keeps them."""

    def __init__(
        self, fetcher: HttpClient, url: str, clock: Clock, *, on_failure: Callable[[str], None]
    ) -> None:
        """Read the list of keys at `url`; call `on_failure` with the reason where that fails."""

        async def fetch() -> Mapping[str, ScannerKey]:
            try:
                return _published(await fetcher.get(url, {}))
            except ValueError:
                message = "the answer was no list of keys"
                raise Unanswered(message) from None

        self._keys = Refreshed(url, fetch, clock, lambda _, reason: on_failure(reason))

    async def find(self, identifier: str) -> ScannerKey | None:
        """Return the key with this identifier; read the list again if it is unknown.

        Raises `Busy` while the keys cannot be read.
        """
        try:
            keys = await self._keys.value()
            if identifier not in keys:
                keys = await self._keys.renew()
        except Unanswered:
            raise Busy from None
        return keys.get(identifier)


class _PublishedKey(BaseModel):
    model_config = ConfigDict(defer_build=True)

    key_identifier: str
    key: str


class _Published(BaseModel):
    model_config = ConfigDict(defer_build=True)

    public_keys: list[_PublishedKey] = Field(min_length=1, max_length=100)


def _published(answer: HttpResponse) -> Mapping[str, ScannerKey]:
    published = _Published.model_validate(answer.json_object())
    return {each.key_identifier: ScannerKey.of_pem(each.key) for each in published.public_keys}


class LeakReports(Struct, frozen=True):
    """Reads reports that a trusted scanner signed."""

    keys: FetchedScannerKeys | None  # None if no scanner is trusted.

    async def read(self, body: bytes, headers: Mapping[str, str]) -> tuple[LeakedToken, ...]:
        """Return the tokens of a report; keys of `headers` are lower case, or compared without
        case.

        Raises `file-too-large`, `report-unsigned` before the report is parsed, `BodyUnreadable`,
        `too-many-reported`, or `Busy` while the keys of the scanner cannot be read.
        """
        if len(body) > MAX_REPORT_BYTES:
            raise file_too_large("report", len(body), MAX_REPORT_BYTES)
        identifier = headers.get(KEY_HEADER, "")
        signature = headers.get(SIGNATURE_HEADER, "")
        if not (identifier and signature and await self._verified(body, identifier, signature)):
            raise Unauthenticated(
                "report-unsigned",
                "The report is not signed by a scanner that this registry knows. Send the "
                "identifier of the key as Github-Public-Key-Identifier, and its ECDSA signature "
                "of the body as Github-Public-Key-Signature.",
            )
        return parse_report(body)

    async def _verified(self, body: bytes, identifier: str, signature: str) -> bool:
        key = await self.keys.find(identifier) if self.keys else None
        return key is not None and key.verifies(body, signature)


def parse_report(body: bytes) -> tuple[LeakedToken, ...]:
    """Read the entries of a report; raise `BodyUnreadable` or `too-many-reported`."""
    try:
        entries = _ENTRIES.validate_json(body)
    except ValidationError:
        raise BodyUnreadable(_LIST) from None
    if len(entries) > MAX_REPORTED:
        raise TooLarge(
            "too-many-reported",
            f"The report names {len(entries):,} tokens, and this registry reads {MAX_REPORTED:,} "
            "at once. Send it in parts; a repeat does no harm.",
        )
    return tuple(map(_leaked, entries))


def _leaked(entry: _Entry) -> LeakedToken:
    kind = _shown(entry.type, entry.token)
    address = _shown(entry.url or "", entry.token)
    return LeakedToken(Secret(entry.token), kind[:MAX_KIND_LENGTH], address[:MAX_ADDRESS_LENGTH])


def _shown(text: str, token: str) -> str:
    """Return a scanner's text fit to be stored and shown: printable, and without the token."""
    # An address may contain the token, for example in its query.
    shown = redact_tokens(text.replace(token, MASK) if token else text)
    return shown if shown.isprintable() else ""
