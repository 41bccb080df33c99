"""The signing key in Azure Key Vault, read with the identity of the app."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.adapters.front_door import app_identity
from shared.auth.secrets import Secret
from shared.auth.signing_keys import StoredKeys
from shared.domain.errors.identity import KeyTrouble
from shared.domain.errors.requests import Busy
from shared.log import log

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

# A page waits for the first read, so an unavailable vault must cost seconds, not minutes.
CLIENT_TIMEOUTS = {"retry_total": 1, "connection_timeout": 3, "read_timeout": 3}


class KeyVault:
    """Reads one secret of a vault."""

    def __init__(
        self,
        address: str,
        secret: str,
        identity: "Callable[[], AsyncTokenCredential]" = app_identity,
        **options: Any,
    ) -> None:
        """Read this secret of the vault at `address` with this identity; `options` are those of the
        client library."""
        self._address = address
        self._secret = secret
        self._identity = identity
        self._options = CLIENT_TIMEOUTS | options

    async def read(self) -> StoredKeys | None:
        """Return the content of the latest version, or None if there is none; raise `Busy`."""
        # Imported when a key is read, which is rare, because it takes 100 ms.
        from azure.core.exceptions import AzureError, ResourceNotFoundError  # noqa: PLC0415
        from azure.keyvault.secrets.aio import SecretClient  # noqa: PLC0415

        try:
            async with (
                self._identity() as identity,
                SecretClient(self._address, identity, **self._options) as client,
            ):
                found = await client.get_secret(self._secret)
        except ResourceNotFoundError:
            return None
        except AzureError as failure:
            log.warning("vault.unreadable", reason=type(failure).__name__)
            raise Busy from None
        return StoredKeys(Secret(found.value or ""), _ms(found.properties.created_on))


def log_key_problem(trouble: KeyTrouble) -> None:
    """Log why there is no key, or no newer one."""
    log.warning("keys.unavailable", reason=trouble.name.lower())


def _ms(moment: datetime | None) -> int:
    return int(moment.timestamp() * 1000) if moment else 0
