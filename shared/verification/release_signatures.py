"""Signatures of releases: ECDSA over P-256 of `org/name@version:sha256-BASE64`, in npm's form."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from shared.script_client import objects_in, printable, read_object
from shared.verification.leaves import LoggedRelease, moment
from shared.verification.signed_notes import Differs, Malformed, decoded

if TYPE_CHECKING:
    from collections.abc import Mapping

_CURVE = "secp256r1"


class ReleaseKeys:
    """The keys with which a registry signs releases."""

    def __init__(self, answer: bytes, kept: Mapping[str, object]) -> None:
        """Read what `/api/v1/keys` answers; raise `Differs` if a key that is kept changed."""
        self.texts: dict[str, str] = {}
        self._expires: dict[str, str] = {}
        self._keys: dict[str, EllipticCurvePublicKey] = {}
        for each in objects_in(read_object(answer).get("keys")):
            keyid = printable(each.get("keyid"))
            text = printable(each.get("key"))
            if keyid in kept and kept[keyid] != text:
                message = f"{keyid}: the registry has another key of this name than before."
                raise Differs(message)
            self.texts[keyid] = text
            self._expires[keyid] = printable(each.get("expires"))

    def require_signed(
        self, release: str, logged: LoggedRelease, signatures: list[Mapping[str, object]]
    ) -> None:
        """Raise `Differs` unless one of the signatures is of a key that was valid then."""
        package, _, version = release.partition(":")
        digest = base64.b64encode(bytes.fromhex(logged.digest)).decode()
        signed = f"{package}@{version}:sha256-{digest}".encode()
        why = "its signature is of a key that the registry does not list"
        for each in signatures:
            keyid = printable(each.get("keyid"))
            if keyid not in self.texts:
                continue
            if self._has_expired(keyid, logged.time):
                why = f"its signature is of the key {keyid}, which had expired before"
            elif self._is_valid(keyid, printable(each.get("sig")), signed):
                return
            else:
                why = f"its signature does not verify with the key {keyid}"
        message = f"{release}: {why}."
        raise Differs(message)

    def _has_expired(self, keyid: str, time: str) -> bool:
        expires = moment(self._expires[keyid])
        published = moment(time)
        return expires is not None and published is not None and published > expires

    def _is_valid(self, keyid: str, signature: str, signed: bytes) -> bool:
        try:
            self._key(keyid).verify(decoded(signature), signed, ECDSA(SHA256()))
        except (InvalidSignature, UnsupportedAlgorithm, Malformed, ValueError):
            return False
        return True

    def _key(self, keyid: str) -> EllipticCurvePublicKey:
        if keyid not in self._keys:
            key = load_der_public_key(decoded(self.texts[keyid]))
            if not isinstance(key, EllipticCurvePublicKey) or key.curve.name != _CURVE:
                message = f"{keyid} is no key of P-256."
                raise Malformed(message)
            self._keys[keyid] = key
        return self._keys[keyid]
