"""Sending mail: to the terminal, by SMTP, or through Azure Communication Services."""

import asyncio
import json
import smtplib
import socket
import sys
from collections.abc import Callable
from email.message import EmailMessage
from enum import Enum
from http import HTTPStatus
from typing import TextIO

from msgspec import Struct, field

from shared.adapters.network import DIRECT, Network
from shared.auth.entra import AppIdentity, app_identity, bearer
from shared.auth.secrets import Secret
from shared.domain.mail import EmailAddress, Mail, mail_line, mask_email, unsubscribe_headers
from shared.ports.http_client import CertificateUntrusted, HttpClient, ServerUnreachable, Unanswered
from shared.ports.mail import Undelivered
from shared.runtime.abandonable import run_abandonable
from shared.runtime.connection_problems import has_untrusted_certificate, reason_of


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

    async def check(self) -> str:
        """There is no server."""
        return ""


class SilentMailer:
    """Sends nothing: a restore applies again what people had mail about."""

    async def send(self, mail: Mail) -> None:
        """Drop the mail."""

    async def check(self) -> str:
        """There is no server."""
        return ""


SMTP_TIMEOUT_SECONDS = 10  # For each step; the request that sends the mail waits for it.
SMTP_CHECK_SECONDS = 5  # For all steps; an operator waits for it.


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

    def __init__(self, server: SmtpServer, sender: EmailAddress, network: Network = DIRECT) -> None:
        self._server = server
        self._sender = sender
        self._network = network

    async def send(self, mail: Mail) -> None:
        """Pass the mail to the server, or raise `Undelivered`."""

        def deliver() -> None:
            with self._signed_in(SMTP_TIMEOUT_SECONDS) as connection:
                connection.send_message(_message(mail, self._sender))

        await self._do(deliver)

    async def check(self) -> str:
        """Sign in to the server and send nothing."""

        def greet() -> None:
            with self._signed_in(SMTP_CHECK_SECONDS) as connection:
                connection.noop()

        server = self._server
        try:
            async with asyncio.timeout(SMTP_CHECK_SECONDS):
                await self._do(greet)
        except TimeoutError:
            reason = "there was no answer in time"
            raise Undelivered(reason) from None
        way = f" and signs {server.user} in" if server.user else ""
        return f"The mail server {server.host}:{server.port} answers{way}."

    async def _do(self, conversation: Callable[[], None]) -> None:
        try:
            await run_abandonable(conversation)
        except ServerUnreachable as failure:
            raise Undelivered(str(failure), failure.way_out) from None
        except (OSError, smtplib.SMTPException, ValueError) as error:
            # A ValueError is an address that is invalid in a header. The cause and the text of the
            # error are left out, because they contain the address.
            is_untrusted = has_untrusted_certificate(error)
            way_out = CertificateUntrusted.way_out if is_untrusted else ""
            raise Undelivered(_reason(error), way_out) from None

    def _signed_in(self, timeout_s: float) -> smtplib.SMTP:
        connection = _Conversation(self._server, self._network, timeout_s)
        try:
            if self._server.encryption is Encryption.STARTTLS:
                # Required: without it the server gets neither mail nor password.
                connection.starttls(context=self._network.trust)
            if self._server.user:
                connection.login(self._server.user, self._server.password.reveal())
        except BaseException:
            connection.close()
            raise
        return connection


class _Conversation(smtplib.SMTP):
    """A connection to a mail server, which may lead through a proxy."""

    def __init__(self, server: SmtpServer, network: Network, timeout_s: float) -> None:
        """Connect, and read the greeting."""
        self._network = network
        self._encryption = server.encryption
        super().__init__(server.host, server.port, timeout=timeout_s)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection = self._network.connect(host, port, timeout)
        if self._encryption is not Encryption.TLS:
            return connection
        return self._network.trust.wrap_socket(connection, server_hostname=host)


def _reason(error: Exception) -> str:
    """Return why mail was not passed on, without the text of the server, which may repeat an
    address."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"it does not accept the user and password ({error.smtp_code})"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return "it does not offer STARTTLS, or no sign-in"
    return reason_of(error)


def _message(mail: Mail, sender: EmailAddress) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = mail.to
    message["Subject"] = mail_line(mail.subject)
    message["Auto-Submitted"] = "auto-generated"  # Prevents automatic replies.
    for name, value in unsubscribe_headers(mail).items():
        message[name] = value
    message.set_content(mail.text)
    return message


AZURE_MAIL_RESOURCE = "https://communication.azure.com"
AZURE_MAIL_PATH = "/emails:send?api-version=2025-09-01"

# The status of a message that does not exist; Azure answers every caller who may ask for it.
AZURE_CHECK_PATH = "/emails/operations/00000000-0000-0000-0000-000000000000?api-version=2025-09-01"

_REFUSED = frozenset((401, 403))
_GIVE_ROLE = (
    "Give the identity of the app the role Communication and Email Service Owner in the resource "
    "that BALLROOM_ACS_ENDPOINT names."
)


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
        message: dict[str, object] = {
            "senderAddress": self._sender,
            "recipients": {"to": [{"address": mail.to}]},
            "content": {"subject": mail_line(mail.subject), "plainText": mail.text},
        }
        if headers_of_list := unsubscribe_headers(mail):
            message["headers"] = headers_of_list
        body = json.dumps(message).encode()
        try:
            token = await bearer(AZURE_MAIL_RESOURCE, self._identity)
            headers = {"Content-Type": "application/json", "Authorization": token}
            answer = await self._fetcher.post(self._endpoint + AZURE_MAIL_PATH, headers, body)
        except Unanswered as silence:
            raise Undelivered(str(silence)) from None
        if answer.status != HTTPStatus.ACCEPTED:
            # The body is left out, because it repeats the address.
            reason = f"the answer was {answer.status}"
            raise Undelivered(reason)

    async def check(self) -> str:
        """Ask for the state of a message that does not exist."""
        try:
            token = await bearer(AZURE_MAIL_RESOURCE, self._identity)
            headers = {"Authorization": token}
            answer = await self._fetcher.get(self._endpoint + AZURE_CHECK_PATH, headers)
        except Unanswered as silence:
            raise Undelivered(str(silence), silence.way_out) from None
        reason = f"the answer was {answer.status}"
        if answer.status in _REFUSED:
            raise Undelivered(reason, _GIVE_ROLE)
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Undelivered(reason)
        return f"{self._endpoint} answers, and knows this app."
