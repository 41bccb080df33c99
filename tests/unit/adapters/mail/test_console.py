"""Mail on a laptop."""

from io import StringIO

import pytest

from shared.adapters.mail.console import ConsoleMailer
from shared.domain.mails import Mail, parse_email

MAIL = Mail(parse_email("kim@example.org"), "You are invited", "Open this link.")


async def test_the_terminal_shows_what_would_be_sent_and_not_to_whom() -> None:
    terminal = StringIO()
    await ConsoleMailer(terminal).send(MAIL)
    assert terminal.getvalue() == (
        "\nMail to k\N{HORIZONTAL ELLIPSIS}@example.org: You are invited\n\nOpen this link.\n\n"
    )


async def test_mail_is_no_part_of_the_log(capfd: pytest.CaptureFixture[str]) -> None:
    await ConsoleMailer().send(MAIL)
    shown = capfd.readouterr()
    assert "Open this link." in shown.out
    assert shown.err == ""
