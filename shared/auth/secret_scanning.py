"""Reports of leaked tokens, signed as GitHub's secret scanning signs them.

A report is a JSON list; its raw body is signed with ECDSA on P-256 over SHA-256. A repeated report
changes nothing, so replays need no guard.
"""

import asyncio
import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol, Self

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from shared.auth.secrets import MASK, Secret
from shared.domain.errors.identity import ReportUnsigned, TooManyReported
from shared.domain.errors.packages import FileTooLarge
from shared.domain.errors.requests import BodyUnreadable, Busy
from shared.domain.secrets import redact_tokens
from shared.ports import Clock, HttpClient, HttpResponse, Unanswered

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

KEY_HEADER = "github-public-key-identifier"
SIGNATURE_HEADER = "github-public-key-signature"

MAX_REPORT_BYTES = 1024 * 1024  # A thousand entries of the longest kind.
MAX_REPORTED = 1_000  # Each costs a read, and one that is ours a write.
MAX_KIND_LENGTH = 80  # Characters of what the scanner calls it.
MAX_ADDRESS_LENGTH = 500  # Characters of where a token was found that its owner is shown.
MAX_SIGNATURE_LENGTH = 200  # In Base64; two numbers of 32 bytes take about 96.

KEYS_VALID_FOR = timedelta(days=1)  # A key that its scanner has withdrawn counts no longer.
KEYS_RETRIED_AFTER = timedelta(minutes=1)  # Whoever makes up identifiers causes no more than this.

_PEM = re.compile(r"-----BEGIN PUBLIC KEY-----[^-]*-----END PUBLIC KEY-----")
_LIST = 'a JSON list of objects, each with "token", "type" and "url"'


@dataclass(frozen=True, slots=True)
class LeakedToken:
    """What a scanner has found: a text that looks like a token, and where it lies in the open."""

    text: Secret
    kind: str
    address: str


class _Entry(BaseModel):
    # Fields that scanners add later are left alone: the report is theirs, not ours.
    token: str
    type: str = ""
    url: str | None = None


_ENTRIES = TypeAdapter(list[_Entry])


class ScannerKey:
    """A public key of a scanner."""

    def __init__(self, key: "EllipticCurvePublicKey") -> None:
        """Verify with `key`."""
        self._key = key

    @classmethod
    def of_pem(cls, pem: str) -> Self:
        """Read a key, or raise `ValueError` for what is no public key on P-256."""
        key = _on_p256(pem)
        if key is None:
            message = "it is no public key on the curve P-256, in PEM"
            raise ValueError(message)
        return cls(key)

    def verifies(self, body: bytes, signature: str) -> bool:
        """Say whether the scanner has signed exactly these bytes."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - as below.
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA  # noqa: PLC0415 - as below.
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - as below.

        if len(signature) > MAX_SIGNATURE_LENGTH:
            return False
        try:
            raw = base64.b64decode(signature, validate=True)
            self._key.verify(raw, body, ECDSA(SHA256()))
        except (binascii.Error, ValueError, InvalidSignature):
            return False
        return True


def _on_p256(pem: str) -> "EllipticCurvePublicKey | None":
    # It costs 80 ms, which a start without reports has no use for.
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        return None
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    return None


class ScannerKeys(Protocol):
    """The keys of the scanners that are believed."""

    async def find(self, identifier: str) -> tuple[ScannerKey, ...]:
        """Return the keys that may stand behind this identifier; none where it is unknown.

        Raises `Busy` where that cannot be told now.
        """
        ...


class ConfiguredScannerKeys:
    """Keys that the operator has configured; whatever a report calls its key, they are tried."""

    def __init__(self, keys: tuple[ScannerKey, ...]) -> None:
        """Believe `keys`."""
        self._keys = keys

    @classmethod
    def of_setting(cls, text: str) -> Self:
        """Read public keys in PEM, one behind the other; raise `ValueError` for anything else."""
        if _PEM.sub("", text).strip():
            message = "it takes public keys in PEM, one behind the other, and nothing else"
            raise ValueError(message)
        return cls(tuple(ScannerKey.of_pem(pem) for pem in _PEM.findall(text)))

    async def find(self, identifier: str) -> tuple[ScannerKey, ...]:  # noqa: ARG002 - one protocol.
        return self._keys


class FetchedScannerKeys:
    """Keys as their scanner publishes them; those that were read last outlive its outage."""

    def __init__(
        self, fetcher: HttpClient, url: str, clock: Clock, *, failed: Callable[[str], None]
    ) -> None:
        """Read the list of keys at `url`; `failed` hears why that was not possible."""
        self._fetcher = fetcher
        self._url = url
        self._clock = clock
        self._failed = failed
        self._keys: Mapping[str, ScannerKey] = {}
        self._read_ms: int | None = None
        self._asked_ms: int | None = None
        self._alone = asyncio.Lock()

    async def find(self, identifier: str) -> tuple[ScannerKey, ...]:
        """Return the key of this identifier; ask the scanner for one that is not known yet."""
        async with self._alone:
            stale = self._is_older(self._read_ms, KEYS_VALID_FOR)
            if stale or identifier not in self._keys:
                await self._refresh()
        if identifier in self._keys:
            return (self._keys[identifier],)
        if self._read_ms is None:
            raise Busy
        return ()

    async def _refresh(self) -> None:
        if not self._is_older(self._asked_ms, KEYS_RETRIED_AFTER):
            return
        self._asked_ms = self._clock.monotonic_ms()
        try:
            self._keys = _published(await self._fetcher.get(self._url, {}))
            self._read_ms = self._asked_ms
        except Unanswered as reason:
            self._failed(str(reason))
        except ValueError:
            self._failed("the answer was no list of keys")

    def _is_older(self, at_ms: int | None, age: timedelta) -> bool:
        age_ms = age // timedelta(milliseconds=1)
        return at_ms is None or self._clock.monotonic_ms() - at_ms >= age_ms


class _PublishedKey(BaseModel):
    key_identifier: str
    key: str


class _Published(BaseModel):
    public_keys: list[_PublishedKey] = Field(min_length=1, max_length=100)


def _published(answer: HttpResponse) -> Mapping[str, ScannerKey]:
    published = _Published.model_validate(answer.json_object())
    return {each.key_identifier: ScannerKey.of_pem(each.key) for each in published.public_keys}


@dataclass(frozen=True, slots=True)
class LeakReports:
    """Reads reports, and believes those that a known scanner has signed."""

    scanners: tuple[ScannerKeys, ...]

    async def read(self, body: bytes, headers: Mapping[str, str]) -> tuple[LeakedToken, ...]:
        """Return what a report says; keys of `headers` are lower case, or compared without case.

        Raises `FileTooLarge`, `ReportUnsigned`, `BodyUnreadable`, `TooManyReported`, or `Busy` for
        a scanner whose keys cannot be read now. Nothing of an unsigned report is looked at.
        """
        if len(body) > MAX_REPORT_BYTES:
            raise FileTooLarge("report", len(body), MAX_REPORT_BYTES)
        identifier, signature = headers.get(KEY_HEADER, ""), headers.get(SIGNATURE_HEADER, "")
        if not (identifier and signature and await self._verified(body, identifier, signature)):
            raise ReportUnsigned
        return parse_report(body)

    async def _verified(self, body: bytes, identifier: str, signature: str) -> bool:
        for scanner in self.scanners:
            keys = await scanner.find(identifier)
            if any(key.verifies(body, signature) for key in keys):
                return True
        return False


def parse_report(body: bytes) -> tuple[LeakedToken, ...]:
    """Read the entries of a report; raise `BodyUnreadable` or `TooManyReported`."""
    try:
        entries = _ENTRIES.validate_json(body, strict=True)
    except ValidationError:
        raise BodyUnreadable(_LIST) from None
    if len(entries) > MAX_REPORTED:
        raise TooManyReported(len(entries), MAX_REPORTED)
    return tuple(map(_leaked, entries))


def _leaked(entry: _Entry) -> LeakedToken:
    kind, address = _shown(entry.type, entry.token), _shown(entry.url or "", entry.token)
    return LeakedToken(Secret(entry.token), kind[:MAX_KIND_LENGTH], address[:MAX_ADDRESS_LENGTH])


def _shown(text: str, token: str) -> str:
    """Return what a scanner says, fit to be kept and shown: printable, and without the token."""
    # An address may hold the token itself, as the query of a link that was shared.
    shown = redact_tokens(text.replace(token, MASK) if token else text)
    return shown if shown.isprintable() else ""
