"""Signatures of releases by the registry: what is signed, and what is stored of a signature."""

import base64
import json
from collections.abc import Sequence
from typing import NamedTuple

from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate


class Signature(NamedTuple):
    """A signature of the registry, as `/api/v1/keys` lets anybody verify it.

    `keyid` is `SHA256:` and the SHA-256 of the public key in unpadded Base64, and `sig` the ECDSA
    signature (DER) in Base64. A record would take three times the memory, in each entry of the
    lists of versions.
    """

    keyid: str
    sig: str

    def shown(self) -> dict[str, str]:
        """Return the signature as JSON has it everywhere."""
        return {"keyid": self.keyid, "sig": self.sig}


def signatures_json(signatures: Sequence[Signature]) -> bytes:
    """Return the file that has the signatures of a release."""
    return json.dumps([each.shown() for each in signatures], separators=(",", ":")).encode()


def signed_text(coordinate: Coordinate, digest: Digest) -> str:
    """Return what is signed of a release: `org/name@version:sha256-BASE64`, in its spelling."""
    package = coordinate.package
    hash_text = base64.b64encode(bytes.fromhex(digest.hex)).decode()
    return f"{package.org}/{package.name}@{coordinate.version.text}:sha256-{hash_text}"
