"""Sending mail: to the terminal, by SMTP, or through Azure Communication Services."""

import asyncio
import json
import smtplib
import ssl
import sys
from email.message import EmailMessage
from enum import Enum
from typing import TextIO

from msgspec import Struct, field

from shared.auth.entra import AppIdentity, app_identity, bearer
from shared.auth.tokens import Secret
from shared.domain.mail import EmailAddress, Mail, mail_line, mask_email
from shared.ports import HttpClient, Unanswered, Undelivered


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


class SmtpServer(Struct, frozen=True):
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


AZURE_MAIL_RESOURCE = "https://communication.azure.com"
AZURE_MAIL_PATH = "/emails:send?api-version=2025-09-01"

_ACCEPTED = 202


class AzureMailer:
    """Sends mail with a resource of Azure Communication Services."""

    def __init__(
        self,
        endpoint: str,
        sender: EmailAddress,
        *,
        fetcher: HttpClient,
        identity: AppIdentity = app_identity,
    ) -> None:
        """Sign in with the identity of the app."""
        self._endpoint = endpoint.rstrip("/")
        self._sender = sender
        self._fetcher = fetcher
        self._identity = identity

    async def send(self, mail: Mail) -> None:
        """Pass the mail to Azure, or raise `Undelivered`. Accepted mail is delivered later."""
        message = {
            "senderAddress": self._sender,
            "recipients": {"to": [{"address": mail.to}]},
            "content": {"subject": mail_line(mail.subject), "plainText": mail.text},
        }
        body = json.dumps(message).encode()
        try:
            token = await bearer(AZURE_MAIL_RESOURCE, self._identity)
            headers = {"Content-Type": "application/json", "Authorization": token}
            answer = await self._fetcher.post(self._endpoint + AZURE_MAIL_PATH, headers, body)
        except Unanswered as silence:
            raise Undelivered(str(silence)) from None
        if answer.status != _ACCEPTED:
            # The body is left out, because it repeats the address.
            reason = f"the answer was {answer.status}"
            raise Undelivered(reason)
