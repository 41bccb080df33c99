"""Sending mail: to the terminal, by SMTP, or through Azure Communication Services."""

import asyncio
import smtplib
import ssl
import sys
from dataclasses import dataclass, field
from email.message import EmailMessage
from enum import Enum
from typing import Any, TextIO

from shared.auth.secrets import Secret
from shared.domain.mail import EmailAddress, Mail, mail_line, mask_email
from shared.ports import Undelivered


class ConsoleMailer:
    """Prints mail instead of sending it; not in the log, which others store and read."""

    def __init__(self, terminal: TextIO | None = None) -> None:
        """Write to `terminal`, by default standard output as it is at that moment."""
        self._terminal = terminal

    async def send(self, mail: Mail) -> None:
        """Print the mail with a masked address."""
        terminal = self._terminal or sys.stdout
        terminal.write(f"\nMail to {mask_email(mail.to)}: {mail.subject}\n\n{mail.text}\n\n")
        terminal.flush()


SMTP_TIMEOUT_SECONDS = 10  # For each step; the request that sends the mail waits for it.


class Encryption(Enum):
    """How the connection to the mail server is encrypted."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """The mail server, and the user who signs in to it."""

    host: str
    port: int
    encryption: Encryption = Encryption.STARTTLS
    user: str = ""
    password: Secret = field(default_factory=lambda: Secret(""))


class SmtpMailer:
    """Sends mail by SMTP, each over a new connection, because mail is rare."""

    def __init__(
        self, server: SmtpServer, sender: EmailAddress, trust: ssl.SSLContext | None = None
    ) -> None:
        """Trust the certificates of `trust`, by default those that the system trusts."""
        self._server = server
        self._sender = sender
        self._trust = trust or ssl.create_default_context()

    async def send(self, mail: Mail) -> None:
        """Pass the mail to the server, or raise `Undelivered`."""
        try:
            await asyncio.to_thread(self._deliver, mail)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            # A ValueError is an address that is invalid in a header. The cause and the text of the
            # error are left out, because they contain the address.
            reason = type(error).__name__
            raise Undelivered(reason) from None

    def _deliver(self, mail: Mail) -> None:
        with self._connected() as connection:
            if self._server.user:
                connection.login(self._server.user, self._server.password.reveal())
            connection.send_message(_message(mail, self._sender))

    def _connected(self) -> smtplib.SMTP:
        server = self._server
        if server.encryption is Encryption.TLS:
            return smtplib.SMTP_SSL(
                server.host, server.port, timeout=SMTP_TIMEOUT_SECONDS, context=self._trust
            )
        connection = smtplib.SMTP(server.host, server.port, timeout=SMTP_TIMEOUT_SECONDS)
        if server.encryption is Encryption.STARTTLS:
            self._encrypt(connection)
        return connection

    def _encrypt(self, connection: smtplib.SMTP) -> None:
        """Require TLS: without it the server gets neither mail nor password."""
        try:
            connection.starttls(context=self._trust)
        except BaseException:
            connection.close()
            raise


def _message(mail: Mail, sender: EmailAddress) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = mail.to
    message["Subject"] = mail_line(mail.subject)
    message["Auto-Submitted"] = "auto-generated"  # Prevents automatic replies.
    message.set_content(mail.text)
    return message


AZURE_MAIL_SCOPE = "https://communication.azure.com"
CONNECT_SECONDS, READ_SECONDS = 5, 10  # The request that sends the mail waits for it.
AZURE_MAIL_RETRIES = 1


class AzureMailer:
    """Sends mail with a resource of Azure Communication Services."""

    def __init__(self, endpoint: str, sender: EmailAddress, key: Secret) -> None:
        """Sign requests with `key`; if it is empty, use the managed identity of the app."""
        self._endpoint = endpoint
        self._sender = sender
        self._key = key
        self._client: Any = None

    async def send(self, mail: Mail) -> None:
        """Pass the mail to Azure, or raise `Undelivered`."""
        from azure.core.exceptions import AzureError  # noqa: PLC0415 - costs 200 ms, see _connected.

        try:
            await asyncio.to_thread(self._deliver, mail)
        except (AzureError, ValueError) as error:
            # The cause and the text are left out, because they contain the address.
            reason = type(error).__name__
            raise Undelivered(reason) from None

    def _deliver(self, mail: Mail) -> None:
        self._client = self._client or self._connected()
        message = {
            "senderAddress": self._sender,
            "recipients": {"to": [{"address": mail.to}]},
            "content": {"subject": mail_line(mail.subject), "plainText": mail.text},
        }
        # Azure has accepted the mail; waiting for its delivery would take minutes.
        self._client.begin_send(message, polling=False)

    def _connected(self) -> Any:
        # Imported with the first mail, because it would slow every start.
        from azure.communication.email import EmailClient  # noqa: PLC0415
        from azure.core.credentials import AzureKeyCredential  # noqa: PLC0415

        key = self._key.reveal()
        return EmailClient(
            self._endpoint,
            AzureKeyCredential(key) if key else ManagedIdentity(),
            connection_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retry_total=AZURE_MAIL_RETRIES,
        )


class ManagedIdentity:
    """A credential of the Azure libraries that gets its tokens from msal."""

    def __init__(self) -> None:
        import msal  # noqa: PLC0415 # pyright: ignore[reportMissingTypeStubs]
        import requests  # noqa: PLC0415

        identity = msal.SystemAssignedManagedIdentity()
        self._client: Any = msal.ManagedIdentityClient(identity, http_client=requests.Session())

    def get_token(self, *_scopes: str, **_options: Any) -> Any:
        """Return a token for mail, marked as expired, because only msal caches and renews it."""
        from azure.core.credentials import AccessToken  # noqa: PLC0415
        from azure.core.exceptions import ClientAuthenticationError  # noqa: PLC0415

        answer = self._client.acquire_token_for_client(resource=AZURE_MAIL_SCOPE)
        if "access_token" not in answer:
            message = "the managed identity got no token"
            raise ClientAuthenticationError(message)
        return AccessToken(answer["access_token"], 0)
