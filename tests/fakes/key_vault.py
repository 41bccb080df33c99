"""Azure Key Vault as the registry sees it: the protocol of reading one secret."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.adapters.azure_services import KeyVault, recording_age
from shared.auth.signing_keys import VaultKeys
from shared.domain.errors.identity import KeyTrouble
from shared.ports.http_client import HttpResponse, Unanswered
from shared.ports.system import Clock
from tests.fakes.azure_identity import Identity

ADDRESS = "https://kv-test.vault.azure.net"


@dataclass
class VaultDouble:
    """A vault with one secret, or none, as a `HttpClient` of the registry."""

    clock: Clock
    text: str | None = None
    stored_ms: int = 0
    is_away: bool = False
    lost: int = 0  # Requests that get no answer before one does.
    refuses: bool = False
    asked: list[str] = field(default_factory=list[str])
    troubles: list[KeyTrouble] = field(default_factory=list[KeyTrouble])

    def store(self, text: str) -> None:
        """Write a new version of the secret."""
        self.text = text
        self.stored_ms = self.clock.now_ms()

    def keys(self) -> VaultKeys:
        """Return the keys of a process that reads them here."""
        vault = KeyVault(ADDRESS, "link-key", self, Identity)
        read = recording_age(vault.read, self.clock, "links", lambda stored: stored.stored_ms)
        return VaultKeys(read, self.clock, self.troubles.append)

    async def get(self, url: str, headers: Mapping[str, str]) -> HttpResponse:
        """Answer a request of the registry."""
        if self.is_away or self.lost > 0:
            self.lost -= 1
            raise Unanswered
        if headers.get("Authorization") != "Bearer token of https://vault.azure.net/.default":
            return self._answer(401, {"error": {"code": "Unauthorized", "message": "none"}})
        self.asked.append(url)
        if self.refuses:
            return self._answer(403, {"error": {"code": "Forbidden", "message": "no such right"}})
        if self.text is None:
            return self._answer(404, {"error": {"code": "SecretNotFound", "message": "none"}})
        seconds = self.stored_ms // 1000
        attributes = {"enabled": True, "created": seconds, "updated": seconds}
        id_ = f"{ADDRESS}/secrets/link-key/{self.stored_ms}"
        return self._answer(200, {"value": self.text, "id": id_, "attributes": attributes})

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """Refuse: nothing is written into a vault."""
        return self._answer(405, {})

    def _answer(self, status: int, body: Mapping[str, Any]) -> HttpResponse:
        return HttpResponse(status, {}, json.dumps(body).encode())
