"""Copies of archives at Azure Front Door, purged through Azure's management API."""

import json
from collections.abc import Sequence

from shared.auth.azure_identity import AppIdentity, app_identity, bearer
from shared.domain.errors.requests import Busy
from shared.log import log
from shared.ports import HttpClient, Unanswered

MANAGEMENT = "https://management.azure.com"
API_VERSION = "2024-02-01"
PATHS_PER_REQUEST = 50  # Paths in one request; the service takes a hundred.

_TAKEN = {200, 202}


class FrontDoor:
    """The Edge of a registry behind one endpoint of Front Door."""

    def __init__(
        self, endpoint: str, fetcher: HttpClient, identity: AppIdentity = app_identity
    ) -> None:
        self._url = f"{MANAGEMENT}{endpoint}/purge?api-version={API_VERSION}"
        self._fetcher = fetcher
        self._identity = identity

    async def forget(self, paths: Sequence[str]) -> None:
        headers = {"Authorization": await self._bearer(), "Content-Type": "application/json"}
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

    async def _bearer(self) -> str:
        try:
            return await bearer(MANAGEMENT, self._identity)
        except Unanswered as failure:
            log.warning("edge.without_identity", reason=str(failure))
            raise Busy from failure
