"""A mail server for tests, on a loopback port: it keeps what it is given."""

import ssl
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import cast

PATIENCE_SECONDS = 30.0  # Generous: a slow machine is no failure.


@dataclass
class Postbox:
    """What a mail server offers, and what it was told."""

    port: int = 0
    encryption: ssl.SSLContext | None = None
    takes_mail: bool = True
    heard: list[str] = field(default_factory=list[str])
    mails: list[bytes] = field(default_factory=list[bytes])

    @property
    def messages(self) -> list[EmailMessage]:
        """Return the mails as their reader sees them."""
        return [message_from_bytes(each, policy=policy.default) for each in self.mails]


class _Conversation(StreamRequestHandler):
    timeout = PATIENCE_SECONDS

    @property
    def postbox(self) -> Postbox:
        return cast("_Server", self.server).postbox

    def handle(self) -> None:
        self.say("220 test")
        while line := self.rfile.readline():
            command = line.decode().strip()
            self.postbox.heard.append(command.split(maxsplit=1)[0].upper() if command else "")
            if not self.answer(command):
                return

    def finish(self) -> None:
        """Close what TLS was put around, which the server does not know."""
        super().finish()
        self.request.close()

    def answer(self, command: str) -> bool:
        """Answer a command; say whether the conversation goes on."""
        match command.split(maxsplit=1)[0].upper() if command else "":
            case "EHLO":
                self.say("250-test")
                self.say("250-AUTH PLAIN")
                self.say("250 STARTTLS" if self.postbox.encryption else "250 OK")
            case "STARTTLS":
                return self.encrypt()
            case "AUTH":
                self.say("235 welcome")
            case "RCPT" if not self.postbox.takes_mail:
                self.say("550 no such box as kim@example.org")
            case "DATA":
                self.keep()
            case "QUIT":
                self.say("221 bye")
                return False
            case _:
                self.say("250 OK")
        return True

    def encrypt(self) -> bool:
        """Go on under TLS; without a word if the client does not like the certificate."""
        assert self.postbox.encryption
        self.say("220 go on")
        try:
            self.request = self.postbox.encryption.wrap_socket(self.request, server_side=True)
        except (ssl.SSLError, OSError):
            return False
        self.setup()
        return True

    def keep(self) -> None:
        """Take a letter, up to the dot that ends it."""
        self.say("354 go on")
        lines: list[bytes] = []
        while (line := self.rfile.readline().rstrip(b"\r\n")) != b".":
            lines.append(line)
        self.postbox.mails.append(b"\n".join([*lines, b""]))
        self.say("250 taken")

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


class _Server(ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, postbox: Postbox) -> None:
        self.postbox = postbox
        super().__init__(("127.0.0.1", 0), _Conversation)


@contextmanager
def mail_server(postbox: Postbox) -> Generator[Postbox]:
    """Serve the postbox for as long as the block lasts."""
    server = _Server(postbox)
    postbox.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, name="smtp")
    thread.start()
    try:
        yield postbox
    finally:
        server.shutdown()
        server.server_close()
        thread.join(PATIENCE_SECONDS)
