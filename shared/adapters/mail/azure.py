"""Mail through Azure Communication Services, with a key or as the managed identity of the app."""

import asyncio
from typing import Any

from shared.auth.secret import Secret
from shared.domain.mails import EmailAddress, Mail, one_line
from shared.ports import Undelivered

SCOPE = "https://communication.azure.com"
CONNECT_SECONDS, READ_SECONDS = 5, 10  # Whoever made the change waits for it.
RETRIES = 1


class AzureMailer:
    """Sends mail by one resource of Azure Communication Services."""

    def __init__(self, endpoint: str, sender: EmailAddress, key: Secret) -> None:
        """Sign requests with `key`; an empty one stands for the managed identity of the app."""
        self._endpoint = endpoint
        self._sender = sender
        self._key = key
        self._client: Any = None

    async def send(self, mail: Mail) -> None:
        """Hand the mail over to Azure, or raise `Undelivered`."""
        from azure.core.exceptions import AzureError  # noqa: PLC0415 - costs 200 ms, see _connected.

        try:
            await asyncio.to_thread(self._deliver, mail)
        except (AzureError, ValueError) as error:
            # Without its chain and its words: both quote the request, and with it the address.
            reason = type(error).__name__
            raise Undelivered(reason) from None

    def _deliver(self, mail: Mail) -> None:
        self._client = self._client or self._connected()
        message = {
            "senderAddress": self._sender,
            "recipients": {"to": [{"address": mail.to}]},
            "content": {"subject": one_line(mail.subject), "plainText": mail.text},
        }
        # That Azure took it is enough: what becomes of it after that takes minutes.
        self._client.begin_send(message, polling=False)

    def _connected(self) -> Any:
        # Imported where mail is sent: laptops never do, and every start would pay for it.
        from azure.communication.email import EmailClient  # noqa: PLC0415
        from azure.core.credentials import AzureKeyCredential  # noqa: PLC0415

        key = self._key.reveal()
        return EmailClient(
            self._endpoint,
            AzureKeyCredential(key) if key else ManagedIdentity(),
            connection_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retry_total=RETRIES,
        )


class ManagedIdentity:
    """What the Azure libraries ask for tokens, over msal."""

    def __init__(self) -> None:
        import msal  # noqa: PLC0415 - as above.  # pyright: ignore[reportMissingTypeStubs]
        import requests  # noqa: PLC0415

        identity = msal.SystemAssignedManagedIdentity()
        self._client: Any = msal.ManagedIdentityClient(identity, http_client=requests.Session())

    def get_token(self, *_scopes: str, **_options: Any) -> Any:
        """Return a token for mail, as one that has ended: msal alone keeps it, and renews it."""
        from azure.core.credentials import AccessToken  # noqa: PLC0415
        from azure.core.exceptions import ClientAuthenticationError  # noqa: PLC0415

        answer = self._client.acquire_token_for_client(resource=SCOPE)
        if "access_token" not in answer:
            message = "the managed identity got no token"
            raise ClientAuthenticationError(message)
        return AccessToken(answer["access_token"], 0)
