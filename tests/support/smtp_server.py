"""A mail server for tests, on a loopback port: it keeps what it is given."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session


@dataclass
class Postbox:
    """What a mail server offers, and what it was told: a handler of aiosmtpd."""

    port: int = 0
    encryption: ssl.SSLContext | None = None
    accepts_mail: bool = True
    heard: list[str] = field(default_factory=list[str])
    mails: list[bytes] = field(default_factory=list[bytes])

    @property
    def messages(self) -> list[EmailMessage]:
        """Return the mails as their reader sees them."""
        return [message_from_bytes(each, policy=policy.default) for each in self.mails]

    async def handle_EHLO(  # noqa: N802 - aiosmtpd finds its hooks by these names.
        self, _server: SMTP, session: Session, _envelope: Envelope, host: str, lines: list[str]
    ) -> list[str]:
        session.host_name = host
        self.heard.append("EHLO")
        return lines

    def handle_STARTTLS(self, *_conversation: object) -> bool:  # noqa: N802
        self.heard.append("STARTTLS")
        return True

    def authenticate(self, *_conversation: object) -> AuthResult:
        """Let everybody in."""
        self.heard.append("AUTH")
        return AuthResult(success=True)

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: object
    ) -> str:
        self.heard.append("MAIL")
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: object
    ) -> str:
        self.heard.append("RCPT")
        envelope.rcpt_tos.append(address)
        return "250 OK" if self.accepts_mail else f"550 no such box as {address}"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.mails.append(envelope.content.replace(b"\r\n", b"\n"))
        return "250 taken"


@asynccontextmanager
async def mail_server(postbox: Postbox) -> AsyncGenerator[Postbox]:
    """Serve the postbox on the running event loop, for as long as the block lasts."""

    def conversation() -> SMTP:
        return SMTP(postbox, tls_context=postbox.encryption, authenticator=postbox.authenticate)

    server = await asyncio.get_running_loop().create_server(conversation, "127.0.0.1", 0)
    postbox.port = server.sockets[0].getsockname()[1]
    async with server:
        yield postbox
