"""Which mailer the settings choose."""

from pathlib import Path

import pytest

from shared.adapters.mail.azure import AzureMailer
from shared.adapters.mail.console import ConsoleMailer
from shared.adapters.mail.smtp import SmtpMailer
from shared.bootstrap import embedded_world, migrate
from shared.settings import Settings

CHOICES: dict[str, tuple[type, dict[str, str]]] = {
    "console": (ConsoleMailer, {}),
    "smtp": (
        SmtpMailer,
        {
            "mail_from": "ballroom@example.org",
            "smtp_host": "mail.example.org",
            "smtp_password": "x",
        },
    ),
    "azure": (
        AzureMailer,
        {"mail_from": "ballroom@example.org", "acs_endpoint": "https://x.example.org"},
    ),
}


@pytest.mark.parametrize("choice", CHOICES)
async def test_mail_is_sent_as_the_operator_chose(tmp_path: Path, choice: str) -> None:
    expected, others = CHOICES[choice]
    settings = Settings.model_validate({"data": tmp_path, "mail": choice, **others})
    migrate(settings)
    world = embedded_world(settings)
    assert isinstance(world.mailer, expected)
    await world.close()
