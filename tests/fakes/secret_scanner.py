"""A secret scanner that signs what it reports."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from shared.ports.http_client import HttpResponse, Unanswered

PEM = serialization.Encoding.PEM
PUBLIC = serialization.PublicFormat.SubjectPublicKeyInfo


@dataclass
class FakeScanner:
    """Signs like GitHub's secret scanning, with a key of its own."""

    identifier: str = "key-1"
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    fetched: int = 0
    fetched_from: str = ""
    answer: HttpResponse | None = None  # By default its keys.
    is_down: bool = False

    @property
    def pem(self) -> str:
        """Return its public key."""
        return self.key.public_key().public_bytes(PEM, PUBLIC).decode()

    @property
    def published(self) -> bytes:
        """Return its keys as they are published."""
        key = {"key_identifier": self.identifier, "key": self.pem, "is_current": True}
        return json.dumps({"public_keys": [key]}).encode()

    async def get(self, url: str, headers: Mapping[str, str]) -> HttpResponse:
        """Publish its keys, and count how often they are asked for."""
        self.fetched += 1
        self.fetched_from = url
        if self.is_down:
            reason = "nobody answered"
            raise Unanswered(reason)
        return self.answer or HttpResponse(200, {}, self.published)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """Take nothing."""
        raise Unanswered

    def headers(self, body: bytes) -> dict[str, str]:
        """Return the headers that prove where the body comes from."""
        signature = self.key.sign(body, ec.ECDSA(hashes.SHA256()))
        return {
            "github-public-key-identifier": self.identifier,
            "github-public-key-signature": base64.b64encode(signature).decode(),
        }


def found(
    *texts: str, url: str = "https://code.example/acme/greet/blob/main/Settings.toml"
) -> bytes:
    """Return the body of a report of these texts."""
    entries = [
        {"token": text, "type": "ballroom_token", "url": url, "source": "content"} for text in texts
    ]
    return json.dumps(entries).encode()
