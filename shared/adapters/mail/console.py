"""Mail on a laptop: it is shown in the terminal, where whoever tries the registry out reads it."""

import sys
from typing import TextIO

from shared.domain.mails import Mail, masked


class ConsoleMailer:
    """Shows mail instead of sending it; never through the log, which others keep and read."""

    def __init__(self, terminal: TextIO | None = None) -> None:
        """Write to `terminal`, by default standard output as it is at that moment."""
        self._terminal = terminal

    async def send(self, mail: Mail) -> None:
        """Write the mail; of the address no more than tells its readers whose it is."""
        terminal = self._terminal or sys.stdout
        terminal.write(f"\nMail to {masked(mail.to)}: {mail.subject}\n\n{mail.text}\n\n")
        terminal.flush()
