"""The public keys by which issuers sign their tokens: found, kept and rotated."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from shared.auth.discovery import Discovery
from shared.auth.kept import Failed, Kept, unheard
from shared.ports import Clock, Fetcher, Unanswered

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    PublicKey = RSAPublicKey | EllipticCurvePublicKey

MAX_KEYS = 100  # Large providers show about ten.
SMALLEST_RSA_BITS = 2048  # What is smaller can be broken by those who want to.

_JSON = {"Accept": "application/json"}
_NO_KEYS = "there is no key that can be used"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key, and the one algorithm that it is for."""

    name: str  # `kid`, or empty.
    algorithm: str
    key: "PublicKey"


class KeySets:
    """Finds the key of an issuer by its name.

    Keys are renewed every hour, and when a name is unknown, though at most once a minute. While the
    issuer does not answer, those that were read within a day count on.
    """

    def __init__(
        self, fetcher: Fetcher, discovery: Discovery, clock: Clock, failed: Failed = unheard
    ) -> None:
        """Read keys through `fetcher`, at the addresses that `discovery` finds.

        `failed` hears of keys that could not be read.
        """
        self._fetcher = fetcher
        self._discovery = discovery
        self._clock = clock
        self._failed = failed
        self._sets: dict[str, Kept[tuple[SigningKey, ...]]] = {}

    async def find(self, issuer: str, name: str, algorithm: str) -> SigningKey | None:
        """Return the issuer's key of that name for that algorithm, or None; raise `Unanswered`.

        `issuer` must come from the configuration, never from the token that is to be checked. An
        empty name is the only key of that algorithm, if there is only one.
        """
        kept = self._set(issuer)
        found = _named(await kept.value(), name, algorithm)
        return found or _named(await kept.renewed(), name, algorithm)

    def _set(self, issuer: str) -> Kept[tuple[SigningKey, ...]]:
        if issuer not in self._sets:
            name = f"keys of {issuer}"
            self._sets[issuer] = Kept(name, lambda: self._read(issuer), self._clock, self._failed)
        return self._sets[issuer]

    async def _read(self, issuer: str) -> tuple[SigningKey, ...]:
        document = await self._discovery.document(issuer)
        fetched = await self._fetcher.get(document.keys, _JSON)
        keys = tuple(_usable(fetched.json_object()))
        if not keys:
            raise Unanswered(_NO_KEYS)
        return keys


def _named(keys: tuple[SigningKey, ...], name: str, algorithm: str) -> SigningKey | None:
    found = [key for key in keys if key.algorithm == algorithm and (not name or key.name == name)]
    return found[0] if len(found) == 1 or (name and found) else None


def _usable(values: Mapping[str, object]) -> Iterable[SigningKey]:
    entries = values.get("keys")
    if not isinstance(entries, list):
        return
    for entry in cast(list[object], entries)[:MAX_KEYS]:
        key = _signing_key(cast(dict[str, object], entry)) if isinstance(entry, dict) else None
        if key is not None:
            yield key


def _signing_key(entry: dict[str, object]) -> SigningKey | None:
    """Return the key of an entry; None for secrets, other curves, and keys that encrypt."""
    import jwt  # noqa: PLC0415 - it costs 90 ms, which a cold start has no use for.
    from cryptography.hazmat.primitives.asymmetric.ec import (  # noqa: PLC0415 - the same.
        SECP256R1,
        EllipticCurvePublicKey,
    )
    from cryptography.hazmat.primitives.asymmetric.rsa import (  # noqa: PLC0415 - the same.
        RSAPublicKey,
    )

    if entry.get("use") not in (None, "sig") or entry.get("kty") not in ("RSA", "EC"):
        return None
    try:
        read = jwt.PyJWK(entry)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    name, key = entry.get("kid"), cast(object, read.key)
    fits = (isinstance(key, RSAPublicKey) and key.key_size >= SMALLEST_RSA_BITS) or (
        isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
    )
    if not fits:
        return None
    named = name if isinstance(name, str) else ""
    return SigningKey(named, read.algorithm_name, cast("PublicKey", key))
