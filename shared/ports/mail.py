"""Mail to people."""

from typing import Protocol

from shared.domain.mail import Mail


class Undelivered(Exception):
    """The mail server refused a mail. The text is the kind of error, without address or content;
    `way_out` is a sentence for the operator, if there is one of this kind."""

    def __init__(self, reason: str, way_out: str = "") -> None:
        super().__init__(reason)
        self.way_out = way_out


class Mailer(Protocol):
    """Sends mail to people."""

    async def send(self, mail: Mail) -> None:
        """Pass the mail to the mail server, within seconds; raise `Undelivered` if it refuses. A
        repeat sends the mail again."""
        ...

    async def check(self) -> str:
        """Connect to the mail server, sign in, and send nothing; within five seconds.

        Returns a sentence about the server, an empty text if there is none; raises `Undelivered`.
        """
        ...
