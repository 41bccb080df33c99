"""Sending mail: to the terminal, by SMTP and through Azure."""

import json
import ssl
from contextlib import closing
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest

from shared.adapters.http_fetcher import GuardedFetcher
from shared.adapters.mail import AzureMailer, ConsoleMailer, Encryption, SmtpMailer, SmtpServer
from shared.adapters.network import Network
from shared.auth.entra import AppIdentity
from shared.auth.secrets import Secret
from shared.bootstrap.adapters import embedded_adapters
from shared.bootstrap.migration import migrate
from shared.domain.mail import EmailAddress, Mail, parse_email
from shared.hosting.http_server.server import bind
from shared.ports.http_client import HttpClient
from shared.ports.mail import Undelivered
from shared.settings import Settings
from tests.fakes.azure_identity import Identity, Stranger
from tests.fakes.http_client import answering
from tests.support.authorities import CertificateAuthority
from tests.support.smtp_server import Postbox, mail_server

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
    world = embedded_adapters(settings)
    assert isinstance(world.mailer, expected)
    await world.close()


CONSOLE_MAIL = Mail(parse_email("kim@example.org"), "You are invited", "Open this link.")


async def test_the_terminal_shows_what_would_be_sent_and_not_to_whom() -> None:
    terminal = StringIO()
    await ConsoleMailer(terminal).send(CONSOLE_MAIL)
    assert terminal.getvalue() == (
        "\nMail to k\N{HORIZONTAL ELLIPSIS}@example.org: You are invited\n\nOpen this link.\n\n"
    )


async def test_mail_is_no_part_of_the_log(capfd: pytest.CaptureFixture[str]) -> None:
    await ConsoleMailer().send(CONSOLE_MAIL)
    shown = capfd.readouterr()
    assert "Open this link." in shown.out
    assert shown.err == ""


SENDER = parse_email("ballroom@example.org")
KIM = parse_email("kim@example.org")
SMTP_MAIL = Mail(KIM, "You are invited to acme", "Grüße\n\nhttps://registry.test/invitations/abc\n")


def mailer(
    postbox: Postbox,
    encryption: Encryption = Encryption.NONE,
    authority: Path | None = None,
    user: str = "",
) -> SmtpMailer:
    server = SmtpServer("127.0.0.1", postbox.port, encryption, user, Secret("secret"))
    return SmtpMailer(server, SENDER, Network(ca_file=authority))


@pytest.fixture
def encryption(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """Return what a server encrypts with, and the authority that vouches for it."""
    authority = CertificateAuthority.create(tmp_path)
    return authority.server_context("127.0.0.1"), authority.file


async def test_a_mail_arrives_as_it_was_written() -> None:
    async with mail_server(Postbox()) as postbox:
        await mailer(postbox).send(SMTP_MAIL)
    [message] = postbox.messages
    assert (message["From"], message["To"]) == (SENDER, KIM)
    assert message["Subject"] == SMTP_MAIL.subject
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content() == SMTP_MAIL.text
    assert "AUTH" not in postbox.heard


async def test_a_mail_program_learns_where_one_click_ends_the_mail() -> None:
    ending = replace(SMTP_MAIL, unsubscribe="https://ballroom.example.org/end/1")
    async with mail_server(Postbox()) as postbox:
        await mailer(postbox).send(ending)
        await mailer(postbox).send(SMTP_MAIL)
    [message, other] = postbox.messages
    assert message["List-Unsubscribe"] == "<https://ballroom.example.org/end/1>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert other["List-Unsubscribe"] is None
    service = answering(202)
    await azure_mailer(service).send(ending)
    [(_, _, body)] = service.requests
    assert json.loads(body)["headers"] == {
        "List-Unsubscribe": "<https://ballroom.example.org/end/1>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


async def test_mail_is_not_sent_where_nobody_encrypts_it() -> None:
    assert SmtpServer("mail.example.org", 587).encryption is Encryption.STARTTLS
    async with mail_server(Postbox()) as postbox:
        with pytest.raises(Undelivered, match="does not offer STARTTLS"):
            await mailer(postbox, Encryption.STARTTLS, user="kim").send(SMTP_MAIL)
    assert postbox.mails == []
    assert not {"AUTH", "MAIL", "RCPT"} & set(postbox.heard)


async def test_mail_is_encrypted_before_anything_is_said_of_it(
    encryption: tuple[ssl.SSLContext, Path],
) -> None:
    serving, authority = encryption
    async with mail_server(Postbox(encryption=serving)) as postbox:
        await mailer(postbox, Encryption.STARTTLS, authority, user="kim").send(SMTP_MAIL)
    assert postbox.heard[:5] == ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL"]
    assert len(postbox.mails) == 1


async def test_a_server_that_nobody_vouches_for_gets_no_mail(
    encryption: tuple[ssl.SSLContext, Path],
) -> None:
    serving, _ = encryption
    async with mail_server(Postbox(encryption=serving)) as postbox:
        with pytest.raises(Undelivered, match=r"certificate is not trusted"):
            await mailer(postbox, Encryption.STARTTLS, user="kim").send(SMTP_MAIL)
    assert postbox.mails == []
    assert "AUTH" not in postbox.heard


async def test_a_refusal_of_the_server_does_not_repeat_the_address() -> None:
    async with mail_server(Postbox(accepts_mail=False)) as postbox:
        with pytest.raises(Undelivered) as refused:
            await mailer(postbox).send(SMTP_MAIL)
    assert str(refused.value) == "SMTPRecipientsRefused"
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


async def test_a_server_that_is_not_there_is_no_surprise() -> None:
    with closing(bind("127.0.0.1", 0)) as bound:  # Does not listen, so nobody else answers there.
        for encryption in Encryption:
            with pytest.raises(Undelivered, match="the connection was refused"):
                await mailer(Postbox(port=bound.getsockname()[1]), encryption).send(SMTP_MAIL)


async def test_a_subject_begins_no_header_of_its_own() -> None:
    async with mail_server(Postbox()) as postbox:
        await mailer(postbox).send(Mail(KIM, "acme\r\nBcc: eve@example.org", "text"))
    [message] = postbox.messages
    assert message["Bcc"] is None
    assert message["Subject"] == "acme  Bcc: eve@example.org"


@pytest.mark.parametrize(
    "address", ["kim@example.org\r\nBcc: eve@example.org", "k\xefm@example.org"]
)
async def test_an_address_that_fits_into_no_header_gets_no_mail(address: str) -> None:
    async with mail_server(Postbox()) as postbox:
        with pytest.raises(Undelivered):
            await mailer(postbox).send(Mail(EmailAddress(address), "subject", "text"))
    assert postbox.mails == []


AZURE_MAIL = Mail(parse_email("kim@example.org"), "You are invited", "Open this link.")


def azure_mailer(service: HttpClient, identity: AppIdentity = Identity) -> AzureMailer:
    endpoint = "https://ballroom.communication.azure.com/"
    return AzureMailer(endpoint, SENDER, fetcher=service, identity=identity)


async def test_a_mail_is_sent_in_one_request_as_the_app() -> None:
    service = answering(202)
    await azure_mailer(service).send(AZURE_MAIL)
    [(url, headers, body)] = service.requests
    assert url == "https://ballroom.communication.azure.com/emails:send?api-version=2025-09-01"
    assert headers == {
        "Content-Type": "application/json",
        "Authorization": "Bearer token of https://communication.azure.com/.default",
    }
    assert json.loads(body) == {
        "senderAddress": SENDER,
        "recipients": {"to": [{"address": "kim@example.org"}]},
        "content": {"subject": "You are invited", "plainText": "Open this link."},
    }


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500])
async def test_a_refusal_of_azure_does_not_repeat_the_address(status: int) -> None:
    with pytest.raises(Undelivered, match=f"^the answer was {status}$") as refused:
        await azure_mailer(answering(status, b"kim@example.org")).send(AZURE_MAIL)
    assert refused.value.__cause__ is None


async def test_without_a_token_no_mail_is_sent() -> None:
    service = answering(202)
    with pytest.raises(Undelivered, match="ClientAuthenticationError"):
        await azure_mailer(service, Stranger).send(AZURE_MAIL)
    assert service.requests == []


async def test_a_token_is_sent_only_over_tls() -> None:
    fetcher = GuardedFetcher(["127.0.0.1"], resolving=_nowhere)
    mailer = AzureMailer("http://mail.example.org", SENDER, fetcher=fetcher, identity=Identity)
    with pytest.raises(Undelivered):
        await mailer.send(AZURE_MAIL)


async def _nowhere(_host: str, _port: int) -> list[str]:
    return ["192.0.2.1"]
