"""Copies of archives at Azure Front Door, purged through Azure's management API."""

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from shared.domain.errors.requests import Busy
from shared.log import log
from shared.ports import HttpClient, Unanswered

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

MANAGEMENT = "https://management.azure.com"
API_VERSION = "2024-02-01"
PATHS_PER_REQUEST = 50  # Paths in one request; the service takes a hundred.

_TAKEN = {200, 202}


def app_identity() -> "AsyncTokenCredential":
    from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415 - as below.

    return DefaultAzureCredential()


class FrontDoor:
    """The Edge of a registry behind one endpoint of Front Door."""

    def __init__(
        self, endpoint: str, fetcher: HttpClient, identity: "Callable[[], AsyncTokenCredential]"
    ) -> None:
        self._url = f"{MANAGEMENT}{endpoint}/purge?api-version={API_VERSION}"
        self._fetcher = fetcher
        self._identity = identity

    async def forget(self, paths: Sequence[str]) -> None:
        headers = {
            "Authorization": f"Bearer {await self._token()}",
            "Content-Type": "application/json",
        }
        for start in range(0, len(paths), PATHS_PER_REQUEST):
            below = [f"{path}*" for path in paths[start : start + PATHS_PER_REQUEST]]
            await self._purge(headers, json.dumps({"contentPaths": below}).encode())

    async def _purge(self, headers: dict[str, str], body: bytes) -> None:
        try:
            answer = await self._fetcher.post(self._url, headers, body)
        except Unanswered as silence:
            raise Busy from silence
        if answer.status not in _TAKEN:
            log.warning("edge.refused", status=answer.status)
            raise Busy

    async def _token(self) -> str:
        # Imported where something is withdrawn, which is rare: it costs 100 ms.
        from azure.core.exceptions import AzureError  # noqa: PLC0415

        try:
            async with self._identity() as identity:
                return (await identity.get_token(f"{MANAGEMENT}/.default")).token
        except AzureError as failure:
            log.warning("edge.without_identity", reason=type(failure).__name__)
            raise Busy from failure
