"""Discovery documents and public keys of token issuers, which are fetched and cached."""

from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self, cast

from msgspec import Struct

from shared.domain.errors.identity import issuer_silent
from shared.ports.http_client import HttpClient, Unanswered
from shared.ports.system import Clock
from shared.runtime.refreshed_values import Refreshed, ReportFailure

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    PublicKey = RSAPublicKey | EllipticCurvePublicKey

MAX_ISSUER_KEYS = 100  # Large providers publish about ten.
SMALLEST_RSA_BITS = 2048  # Smaller keys can be broken.

_JSON = {"Accept": "application/json"}
_NO_KEYS = "there is no key that can be used"


@contextmanager
def translate_silence(issuer: str) -> Generator[None]:
    """Raise `issuer-silent` about the issuer, by its name or address, where the block raises
    `Unanswered`."""
    try:
        yield
    except Unanswered as failure:
        raise issuer_silent(issuer, failure.trouble) from None


class IssuerKey(Struct, frozen=True):
    """A public key with its algorithm."""

    name: str  # `kid`, or empty.
    algorithm: str
    key: "PublicKey"


class IssuerDocument(Struct, frozen=True):
    """The parts of a discovery document that are used here; empty where they are missing."""

    issuer: str
    keys: str
    authorization: str
    token: str
    userinfo: str
    client_authentication: tuple[str, ...]
    names_itself: bool  # Whether responses to a sign-in name the issuer, as `iss` (RFC 9207).

    @classmethod
    def parse(cls, values: Mapping[str, object], issuer: str) -> Self:
        """Read a document of `issuer`; raise `Unanswered` for one of another issuer."""
        if values.get("issuer") != issuer:
            raise Unanswered(_OTHER)
        if not _text(values, "jwks_uri"):
            raise Unanswered(_INCOMPLETE)
        return cls(
            issuer=issuer,
            keys=_text(values, "jwks_uri"),
            authorization=_text(values, "authorization_endpoint"),
            token=_text(values, "token_endpoint"),
            userinfo=_text(values, "userinfo_endpoint"),
            client_authentication=_texts(values, "token_endpoint_auth_methods_supported"),
            names_itself=values.get("authorization_response_iss_parameter_supported") is True,
        )


class IssuerDiscovery:
    """Reads and caches the discovery documents of issuers.

    Issuers come from the configuration and from stored publishers, never from a token.
    """

    def __init__(self, fetcher: HttpClient, clock: Clock, on_failure: ReportFailure) -> None:
        """Call `on_failure` for issuers that do not respond."""
        self._fetcher = fetcher
        self._clock = clock
        self._on_failure = on_failure
        self._documents: dict[str, Refreshed[IssuerDocument]] = {}

    async def document(self, issuer: str) -> IssuerDocument:
        """Return the discovery document, or raise `Unanswered`."""
        if issuer not in self._documents:
            self._documents[issuer] = Refreshed(
                issuer, lambda: self._read(issuer), self._clock, self._on_failure
            )
        return await self._documents[issuer].value()

    async def _read(self, issuer: str) -> IssuerDocument:
        fetched = await self._fetcher.get(issuer.rstrip("/") + _PATH, _JSON)
        return IssuerDocument.parse(fetched.json_object(), issuer)


class IssuerKeys:
    """Finds a key of an issuer by its id (`kid`).

    Keys are read again every hour, and when an id is unknown, but at most once a minute. While the
    issuer does not respond, keys that were read within a day stay valid.
    """

    def __init__(
        self,
        fetcher: HttpClient,
        discovery: IssuerDiscovery,
        clock: Clock,
        on_failure: ReportFailure,
    ) -> None:
        """Call `on_failure` for keys that could not be read."""
        self._fetcher = fetcher
        self._discovery = discovery
        self._clock = clock
        self._on_failure = on_failure
        self._sets: dict[str, Refreshed[tuple[IssuerKey, ...]]] = {}

    async def find(self, issuer: str, name: str, algorithm: str) -> IssuerKey | None:
        """Return the issuer's key with that id and algorithm, or None.

        `issuer` must come from the configuration, never from the token to be verified. An empty id
        finds a key if it is the only one of the algorithm. Raises `Unanswered` without any key that
        can be used, and for an id that is unknown while the issuer does not respond: the key may be
        new.
        """
        cached = self._key_set(issuer)
        found = _find_key(await cached.value(), name, algorithm)
        return found or _find_key(await cached.renew(), name, algorithm)

    async def check(self, issuer: str) -> None:
        """Read the keys of the issuer unless they are known; raise `Unanswered`."""
        await self._key_set(issuer).value()

    def _key_set(self, issuer: str) -> Refreshed[tuple[IssuerKey, ...]]:
        if issuer not in self._sets:
            name = f"keys of {issuer}"
            self._sets[issuer] = Refreshed(
                name, lambda: self._read(issuer), self._clock, self._on_failure
            )
        return self._sets[issuer]

    async def _read(self, issuer: str) -> tuple[IssuerKey, ...]:
        document = await self._discovery.document(issuer)
        fetched = await self._fetcher.get(document.keys, _JSON)
        keys = tuple(_usable_keys(fetched.json_object()))
        if not keys:
            raise Unanswered(_NO_KEYS)
        return keys


def _find_key(keys: tuple[IssuerKey, ...], name: str, algorithm: str) -> IssuerKey | None:
    found = [key for key in keys if key.algorithm == algorithm and (not name or key.name == name)]
    return found[0] if len(found) == 1 or (name and found) else None


def _usable_keys(values: Mapping[str, object]) -> Iterable[IssuerKey]:
    entries = values.get("keys")
    if not isinstance(entries, list):
        return
    for entry in cast(list[object], entries)[:MAX_ISSUER_KEYS]:
        key = _read_key(cast(dict[str, object], entry)) if isinstance(entry, dict) else None
        if key is not None:
            yield key


def _read_key(entry: dict[str, object]) -> IssuerKey | None:
    """Return the key of an entry; None for secrets, other curves, and keys for encryption."""
    import jwt  # noqa: PLC0415 - takes 90 ms, which a cold start does not need.
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey  # noqa: PLC0415 - the same.
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415 - the same.

    if entry.get("use") not in (None, "sig") or entry.get("kty") not in ("RSA", "EC"):
        return None
    try:
        read = jwt.PyJWK(entry)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    name = entry.get("kid")
    key = cast(object, read.key)
    fits = (isinstance(key, RSAPublicKey) and key.key_size >= SMALLEST_RSA_BITS) or (
        isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
    )
    if not fits:
        return None
    named = name if isinstance(name, str) else ""
    return IssuerKey(named, read.algorithm_name, cast("PublicKey", key))


_PATH = "/.well-known/openid-configuration"
_OTHER = "the document is of another issuer"
_INCOMPLETE = "the document lacks the address of its keys"


def _text(values: Mapping[str, object], name: str) -> str:
    value = values.get(name)
    return value if isinstance(value, str) else ""


def _texts(values: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = values.get(name)
    if not isinstance(value, list):
        return ()
    return tuple(each for each in cast(list[object], value) if isinstance(each, str))
