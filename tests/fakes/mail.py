"""Mail that is kept in the test."""

from dataclasses import dataclass, field

from shared.domain.mail import Mail
from shared.ports.mail import Undelivered


@dataclass
class FakeMailer:
    """Keeps every mail, or takes none on request."""

    sent: list[Mail] = field(default_factory=list[Mail])
    is_down: bool = False
    refused: set[str] = field(default_factory=set[str])  # Addresses.

    async def send(self, mail: Mail) -> None:
        """Keep the mail."""
        if self.is_down or mail.to in self.refused:
            reason = "SMTPServerDisconnected"
            raise Undelivered(reason)
        self.sent.append(mail)

    async def check(self) -> str:
        """Answer as a mail server does."""
        if self.is_down:
            reason = "the connection was refused"
            raise Undelivered(reason)
        return "The mail server mail.test:587 answers."

    def to(self, address: str) -> list[Mail]:
        """Return what was sent to somebody, oldest first."""
        return [mail for mail in self.sent if mail.to == address]
