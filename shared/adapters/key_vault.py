"""The signing key in Azure Key Vault, read with the identity of the app."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from shared.auth.azure_identity import AppIdentity, app_identity, bearer
from shared.auth.secrets import Secret
from shared.auth.signing_keys import StoredKeys
from shared.domain.errors.identity import KeyTrouble
from shared.domain.errors.requests import Busy
from shared.log import log
from shared.ports import HttpClient, HttpResponse, Unanswered

API_VERSION = "7.5"

_MISSING = 404


class KeyVault:
    """Reads one secret of a vault."""

    def __init__(
        self, address: str, secret: str, fetcher: HttpClient, identity: AppIdentity = app_identity
    ) -> None:
        """Read this secret of the vault at `address` with this identity."""
        self._url = f"{address}/secrets/{secret}?api-version={API_VERSION}"
        # https://name.vault.azure.net gives https://vault.azure.net; other clouds have other names.
        _, _, domain = urlsplit(address).netloc.partition(".")
        self._resource = f"https://{domain}"
        self._fetcher = fetcher
        self._identity = identity

    async def read(self) -> StoredKeys | None:
        """Return the content of the latest version, or None if there is none; raise `Busy`."""
        try:
            answer = await self._answer()
            return None if answer.status == _MISSING else _keys(answer.json_object())
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


def _keys(secret: Mapping[str, object]) -> StoredKeys:
    match secret:
        case {"value": str(text), "attributes": {"created": int(seconds)}}:
            return StoredKeys(Secret(text), seconds * 1000)
        case _:
            reason = "the answer holds no secret"
            raise Unanswered(reason)
