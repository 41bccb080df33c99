"""Services of Azure that are asked as the app: Key Vault, which has the signing key, and Front
Door, which has copies of public answers.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from urllib.parse import urlsplit

from shared.auth.entra import AppIdentity, app_identity, bearer
from shared.auth.reread_secrets import ReadKeys, StoredKeys
from shared.auth.secrets import Secret
from shared.domain.errors.identity import KeyTrouble
from shared.domain.errors.requests import Busy
from shared.ports.http_client import HttpClient, HttpResponse, Unanswered
from shared.ports.system import Clock
from shared.telemetry.log import log
from shared.telemetry.metrics import SIGNING_KEY_AGE, record_metric

VAULT_API = "7.5"


class KeyVault:
    """Reads one secret of a vault."""

    def __init__(
        self, address: str, secret: str, fetcher: HttpClient, identity: AppIdentity = app_identity
    ) -> None:
        """Read this secret of the vault at `address` with this identity."""
        self._url = f"{address}/secrets/{secret}?api-version={VAULT_API}"
        # https://name.vault.azure.net gives https://vault.azure.net; other clouds have other names.
        _, _, domain = urlsplit(address).netloc.partition(".")
        self._resource = f"https://{domain}"
        self._fetcher = fetcher
        self._identity = identity

    async def read(self) -> StoredKeys | None:
        """Return the content of the latest version, or None if there is none; raise `Busy`."""
        try:
            answer = await self._answer()
            return None if answer.status == HTTPStatus.NOT_FOUND else _keys(answer.json_object())
        except Unanswered as failure:
            log.warning("vault.unreadable", reason=str(failure))
            raise Busy from None

    async def _answer(self) -> HttpResponse:
        headers = {"Authorization": await bearer(self._resource, self._identity)}
        try:
            return await self._fetcher.get(self._url, headers)
        except Unanswered:
            # Without a first key the pages fail until the next read, so one lost packet is no
            # reason.
            return await self._fetcher.get(self._url, headers)


def log_key_problem(trouble: KeyTrouble) -> None:
    """Log why there is no key, or no newer one."""
    log.warning("keys.unavailable", reason=trouble.name.lower())


def recording_age(
    read: ReadKeys, clock: Clock, key: str, made_ms: Callable[[StoredKeys], int]
) -> ReadKeys:
    """Return a read of the keys that records how old the newest one is, as the metric of `key`;
    `made_ms` says when it was made, and raises `ValueError` for a text that is no key."""

    async def recorded() -> StoredKeys | None:
        stored = await read()
        if stored is not None:
            with suppress(ValueError):  # Whoever parses the text says what is wrong with it.
                seconds = (clock.now_ms() - made_ms(stored)) / 1_000
                record_metric(SIGNING_KEY_AGE, seconds, {"key": key})
        return stored

    return recorded


def _keys(secret: Mapping[str, object]) -> StoredKeys:
    match secret:
        case {"value": str(text), "attributes": {"created": int(seconds)}}:
            return StoredKeys(Secret(text), seconds * 1000)
        case _:
            reason = "the answer holds no secret"
            raise Unanswered(reason)


MANAGEMENT = "https://management.azure.com"
PURGE_API = "2024-02-01"
PATHS_PER_REQUEST = 50  # Paths in one request; the service takes a hundred.

_TAKEN = {200, 202}


class FrontDoor:
    """The Edge of a registry behind one endpoint of Front Door."""

    def __init__(
        self, endpoint: str, fetcher: HttpClient, identity: AppIdentity = app_identity
    ) -> None:
        self._url = f"{MANAGEMENT}{endpoint}/purge?api-version={PURGE_API}"
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
