"""Mail by SMTP, which every provider speaks."""

import asyncio
import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from enum import Enum

from shared.auth.secret import Secret
from shared.domain.mails import EmailAddress, Mail, one_line
from shared.ports import Undelivered

TIMEOUT_SECONDS = 10  # For each step; whoever made the change waits for it.


class Encryption(Enum):
    """How the connection to the mail server is kept private."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail goes, and as whom."""

    host: str
    port: int
    encryption: Encryption = Encryption.STARTTLS
    user: str = ""
    password: Secret = field(default_factory=lambda: Secret(""))


class SmtpMailer:
    """Sends mail through one server; a connection each, because mail is rare."""

    def __init__(
        self, server: SmtpServer, sender: EmailAddress, trust: ssl.SSLContext | None = None
    ) -> None:
        """Trust the certificates of `trust`, by default those that the system trusts."""
        self._server = server
        self._sender = sender
        self._trust = trust or ssl.create_default_context()

    async def send(self, mail: Mail) -> None:
        """Hand the mail over to the server, or raise `Undelivered`."""
        try:
            await asyncio.to_thread(self._deliver, mail)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            # A ValueError is an address that fits into no header. Without chain and words of the
            # error: both quote the address.
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
                server.host, server.port, timeout=TIMEOUT_SECONDS, context=self._trust
            )
        connection = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_SECONDS)
        if server.encryption is Encryption.STARTTLS:
            self._encrypt(connection)
        return connection

    def _encrypt(self, connection: smtplib.SMTP) -> None:
        """Go on in private or not at all: without TLS a server gets neither mail nor password."""
        try:
            connection.starttls(context=self._trust)
        except BaseException:
            connection.close()
            raise


def _message(mail: Mail, sender: EmailAddress) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = mail.to
    message["Subject"] = one_line(mail.subject)
    message["Auto-Submitted"] = "auto-generated"  # So that no absence notice comes back.
    message.set_content(mail.text)
    return message
