"""Azure Key Vault as its client library sees it: the protocol of reading one secret."""

import json
from dataclasses import dataclass, field
from typing import Any, Self

from azure.core.exceptions import ServiceRequestError
from azure.core.pipeline.transport import AsyncHttpTransport

from shared.adapters.key_vault import KeyVault
from shared.auth.signing_keys import VaultKeys
from shared.domain.errors.identity import KeyTrouble
from shared.ports import Clock
from tests.fakes.blob_storage import Identity
from tests.fakes.cosmos.protocol import Answer
from tests.fakes.cosmos.transport import DoubleResponse

ADDRESS = "https://kv-test.vault.azure.net"
CHALLENGE = (
    'Bearer authorization="https://login.microsoftonline.com/tenant-1", '
    'resource="https://vault.azure.net"'
)
AT_ONCE = {"retry_backoff_factor": 0}


class Read(DoubleResponse):
    """An answer as this client reads it."""

    def json(self) -> Any:
        """Return the body as what it says."""
        return json.loads(self.body())


@dataclass
class VaultDouble(AsyncHttpTransport[Any, Any]):
    """A vault with one secret, or none; it asks for a token as the real one does."""

    clock: Clock
    text: str | None = None
    stored_ms: int = 0
    is_away: bool = False
    refuses: bool = False
    asked: list[str] = field(default_factory=list[str])
    troubles: list[KeyTrouble] = field(default_factory=list[KeyTrouble])

    def store(self, text: str) -> None:
        """Write a new version of the secret."""
        self.text, self.stored_ms = text, self.clock.now_ms()

    def keys(self) -> VaultKeys:
        """Return the keys of a process that reads them here."""
        vault = KeyVault(ADDRESS, "link-key", Identity, transport=self, **AT_ONCE)
        return VaultKeys(vault.read, self.clock, self.troubles.append)

    async def send(self, request: Any, **options: Any) -> Any:
        """Answer a request of the library."""
        if self.is_away:
            raise ServiceRequestError(message="nobody answers at that address")
        if "Authorization" not in request.headers:
            answer = Answer(401, {}, {"WWW-Authenticate": CHALLENGE})
        else:
            self.asked.append(request.url.partition("?")[0])
            answer = self._answer()
        return Read(request, answer)

    def _answer(self) -> Answer:
        if self.refuses:
            return Answer(403, {"error": {"code": "Forbidden", "message": "no such right"}}, {})
        if self.text is None:
            return Answer(404, {"error": {"code": "SecretNotFound", "message": "none"}}, {})
        seconds = self.stored_ms // 1000
        attributes = {"enabled": True, "created": seconds, "updated": seconds}
        id_ = f"{ADDRESS}/secrets/link-key/{self.stored_ms}"
        return Answer(200, {"value": self.text, "id": id_, "attributes": attributes}, {})

    async def open(self) -> None:
        """Do nothing: there is no connection."""

    async def close(self) -> None:
        """Do nothing: there is no connection."""

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(self, *failure: object) -> None:
        """Do nothing: there is no connection."""
