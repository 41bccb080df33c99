"""Blob Storage as it lends keys to sign with: for the real client, in the process of the test."""

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from xml.etree import ElementTree

from azure.core.credentials import AccessToken
from azure.core.exceptions import ServiceRequestError
from azure.core.pipeline.transport import AsyncHttpResponse, AsyncHttpTransport
from azure.core.utils import case_insensitive_dict
from azure.storage.blob.aio import BlobServiceClient

ACCOUNT = "https://ballroom.blob.core.windows.net"
OBJECT, TENANT = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
KEY = "dGhlIGtleSB0aGF0IHRoZSBzZXJ2aWNlIGxlbmRzIHVz"

_LENT = """<?xml version="1.0" encoding="utf-8"?>
<UserDelegationKey><SignedOid>{object}</SignedOid><SignedTid>{tenant}</SignedTid>
<SignedStart>{start}</SignedStart><SignedExpiry>{expiry}</SignedExpiry>
<SignedService>b</SignedService><SignedVersion>2026-02-06</SignedVersion>
<Value>{key}</Value></UserDelegationKey>"""


@dataclass
class LendingService(AsyncHttpTransport[Any, Any]):
    """Answers requests for a key, or refuses them with `status`; 0 is a lost connection."""

    status: int = 200
    asked: list[tuple[datetime, datetime]] = field(default_factory=list[tuple[datetime, datetime]])

    def client(self) -> BlobServiceClient:
        """Return a client that signs in as an identity and sends its requests here."""
        return BlobServiceClient(ACCOUNT, Identity(), transport=self, retry_total=0)

    async def open(self) -> None:
        """Do nothing: there is no connection."""

    async def close(self) -> None:
        """Do nothing: there is no connection."""

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(self, *failure: object) -> None:
        """Do nothing: there is no connection."""

    async def send(self, request: Any, **options: Any) -> Any:
        """Lend a key for the asked time."""
        assert request.query == {"restype": "service", "comp": "userdelegationkey"}
        times = [str(each.text) for each in ElementTree.fromstring(request.data)]
        start, expiry = times
        self.asked.append((datetime.fromisoformat(start), datetime.fromisoformat(expiry)))
        if not self.status:
            raise ServiceRequestError(message="the connection was refused")
        lent = _LENT.format(object=OBJECT, tenant=TENANT, start=start, expiry=expiry, key=KEY)
        return _Answer(request, self.status, lent.encode() if self.status == 200 else b"")


class Identity:
    """An identity that always gets a token."""

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """Return a token."""
        return AccessToken("token", 2**40)

    async def close(self) -> None:
        """Do nothing."""

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        """Do nothing."""


class _Answer(AsyncHttpResponse):
    def __init__(self, request: Any, status: int, content: bytes) -> None:
        super().__init__(request, None)
        self.status_code = status
        self.reason = str(status)
        self.headers: MutableMapping[str, str] = case_insensitive_dict(
            {"Content-Type": "application/xml"}
        )
        self.content_type = "application/xml"
        self._content = content

    def body(self) -> bytes:
        return self._content

    async def load_body(self) -> None:
        return
