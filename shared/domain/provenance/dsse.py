"""DSSE envelopes, by https://github.com/secure-systems-lab/dsse: a payload with its signatures."""

import base64
import json
from collections.abc import Sequence

from msgspec import Struct

from shared.domain.signatures import Signature

IN_TOTO = "application/vnd.in-toto+json"  # The type of a payload that is an in-toto Statement.


class Envelope(Struct, frozen=True):
    """A payload with its signatures, which are of `pae`."""

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]

    def shown(self) -> dict[str, object]:
        """Return the envelope as JSON has it."""
        return {
            "payload": base64.b64encode(self.payload).decode(),
            "payloadType": self.payload_type,
            "signatures": [each.shown() for each in self.signatures],
        }


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes that are signed: the pre-authentication encoding of DSSE v1."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def envelopes_json(envelopes: Sequence[Envelope]) -> bytes:
    """Return the list of envelopes as it is stored and served."""
    shown = [each.shown() for each in envelopes]
    return json.dumps(shown, separators=(",", ":")).encode()
