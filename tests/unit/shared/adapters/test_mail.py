"""Sending mail: to the terminal, by SMTP and through Azure."""

import json
import shutil
import ssl
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

import pytest
from azure.core.exceptions import ClientAuthenticationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.adapters.mail import (
    AzureMailer,
    ConsoleMailer,
    Encryption,
    ManagedIdentity,
    SmtpMailer,
    SmtpServer,
)
from shared.auth.secrets import Secret
from shared.bootstrap import embedded_adapters, migrate
from shared.domain.mail import EmailAddress, Mail, parse_email
from shared.hosting.server import bind
from shared.ports import Undelivered
from shared.settings import Settings
from tests.support.server import Address, make_certificate, running
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

needs_openssl = pytest.mark.skipif(
    not shutil.which("openssl"), reason="openssl makes the certificate"
)


def mailer(
    postbox: Postbox,
    encryption: Encryption = Encryption.NONE,
    trust: ssl.SSLContext | None = None,
    user: str = "",
) -> SmtpMailer:
    server = SmtpServer("127.0.0.1", postbox.port, encryption, user, Secret("secret"))
    return SmtpMailer(server, SENDER, trust)


@pytest.fixture
def encryption(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return what a server encrypts with, and what trusts it."""
    made = make_certificate(tmp_path)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(made.chain, made.key)
    return serving, ssl.create_default_context(cafile=str(made.chain))


async def test_a_mail_arrives_as_it_was_written() -> None:
    with mail_server(Postbox()) as postbox:
        await mailer(postbox).send(SMTP_MAIL)
    [message] = postbox.messages
    assert (message["From"], message["To"]) == (SENDER, KIM)
    assert message["Subject"] == SMTP_MAIL.subject
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content() == SMTP_MAIL.text
    assert "AUTH" not in postbox.heard


async def test_mail_is_not_sent_where_nobody_encrypts_it() -> None:
    assert SmtpServer("mail.example.org", 587).encryption is Encryption.STARTTLS
    with (
        mail_server(Postbox()) as postbox,
        pytest.raises(Undelivered, match="SMTPNotSupportedError"),
    ):
        await mailer(postbox, Encryption.STARTTLS, user="kim").send(SMTP_MAIL)
    assert postbox.mails == []
    assert not {"AUTH", "MAIL", "RCPT"} & set(postbox.heard)


@needs_openssl
async def test_mail_is_encrypted_before_anything_is_said_of_it(
    encryption: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    serving, trust = encryption
    with mail_server(Postbox(encryption=serving)) as postbox:
        await mailer(postbox, Encryption.STARTTLS, trust, user="kim").send(SMTP_MAIL)
    assert postbox.heard[:5] == ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL"]
    assert len(postbox.mails) == 1


@needs_openssl
async def test_a_server_that_nobody_vouches_for_gets_no_mail(
    encryption: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    serving, _ = encryption
    with (
        mail_server(Postbox(encryption=serving)) as postbox,
        pytest.raises(Undelivered, match="SSLCertVerificationError"),
    ):
        await mailer(postbox, Encryption.STARTTLS, user="kim").send(SMTP_MAIL)
    assert postbox.mails == []
    assert "AUTH" not in postbox.heard


async def test_a_refusal_of_the_server_does_not_repeat_the_address() -> None:
    with (
        mail_server(Postbox(takes_mail=False)) as postbox,
        pytest.raises(Undelivered) as refused,
    ):
        await mailer(postbox).send(SMTP_MAIL)
    assert str(refused.value) == "SMTPRecipientsRefused"
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


async def test_a_server_that_is_not_there_is_no_surprise() -> None:
    with closing(bind("127.0.0.1", 0)) as bound:  # Does not listen, so nobody else answers there.
        for encryption in Encryption:
            with pytest.raises(Undelivered, match="ConnectionRefusedError"):
                await mailer(Postbox(port=bound.getsockname()[1]), encryption).send(SMTP_MAIL)


async def test_a_subject_begins_no_header_of_its_own() -> None:
    with mail_server(Postbox()) as postbox:
        await mailer(postbox).send(Mail(KIM, "acme\r\nBcc: eve@example.org", "text"))
    [message] = postbox.messages
    assert message["Bcc"] is None
    assert message["Subject"] == "acme  Bcc: eve@example.org"


@pytest.mark.parametrize(
    "address", ["kim@example.org\r\nBcc: eve@example.org", "k\xefm@example.org"]
)
async def test_an_address_that_fits_into_no_header_gets_no_mail(address: str) -> None:
    with mail_server(Postbox()) as postbox, pytest.raises(Undelivered):
        await mailer(postbox).send(Mail(EmailAddress(address), "subject", "text"))
    assert postbox.mails == []


AZURE_MAIL = Mail(parse_email("kim@example.org"), "You are invited", "Open this link.")
KEY = Secret(b64encode(b"a key of thirty-two bytes, sort of").decode())


@dataclass
class Service:
    """What the service was sent, and how it answers."""

    status: int = 202
    requests: list[tuple[str, dict[str, object]]] = field(
        default_factory=list[tuple[str, dict[str, object]]]
    )

    async def send(self, request: Request) -> Response:
        """Take a mail."""
        self.requests.append((request.headers["authorization"], json.loads(await request.body())))
        headers = {"Operation-Location": f"{request.base_url}emails/operations/1"}
        return JSONResponse({"id": "1", "status": "Running"}, self.status, headers)


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def address(service: Service) -> Iterator[Address]:
    """Serve it."""
    app = Starlette(routes=[Route("/emails:send", service.send, methods=["POST"])])
    with running(app) as served:
        yield served


async def test_a_mail_is_sent_in_one_signed_request(service: Service, address: Address) -> None:
    mailer = AzureMailer(address.url, SENDER, KEY)
    await mailer.send(AZURE_MAIL)
    await mailer.send(AZURE_MAIL)
    [(authorization, body), _] = service.requests
    assert authorization.startswith("HMAC-SHA256 ")
    assert body == {
        "senderAddress": SENDER,
        "recipients": {"to": [{"address": "kim@example.org"}]},
        "content": {"subject": "You are invited", "plainText": "Open this link."},
    }


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_refusal_of_azure_does_not_repeat_the_address(
    service: Service, address: Address, status: int
) -> None:
    service.status = status
    with pytest.raises(Undelivered) as refused:
        await AzureMailer(address.url, SENDER, KEY).send(AZURE_MAIL)
    assert "example.org" not in str(refused.value)
    assert refused.value.__suppress_context__


@dataclass
class Identity:
    """The identity service of an app in Azure, and what it was asked."""

    status: int = 200
    asked: list[dict[str, str]] = field(default_factory=list[dict[str, str]])

    async def token(self, request: Request) -> Response:
        """Hand out a token, or nothing."""
        self.asked.append({**request.query_params, "secret": request.headers["x-identity-header"]})
        if self.status != 200:
            return JSONResponse({"statusCode": self.status, "message": "no"}, self.status)
        body = {
            "access_token": "granted",
            "expires_on": "4102444800",
            "resource": request.query_params["resource"],
            "token_type": "Bearer",
        }
        return JSONResponse(body)


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> Iterator[Identity]:
    """Serve it where an app finds it."""
    service = Identity()
    with running(Starlette(routes=[Route("/msi/token", service.token)])) as served:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{served.url}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "of the app")
        yield service


async def test_without_a_key_the_app_signs_in_as_itself(identity: Identity) -> None:
    token = ManagedIdentity().get_token("https://communication.azure.com/.default")
    assert token.token == "granted"
    [asked] = identity.asked
    assert asked["resource"] == "https://communication.azure.com"
    assert asked["secret"] == "of the app"


async def test_an_identity_that_gets_no_token_sends_no_mail(identity: Identity) -> None:
    identity.status = 400
    with pytest.raises(ClientAuthenticationError):
        ManagedIdentity().get_token()


async def test_a_token_is_sent_over_tls_alone(service: Service, address: Address) -> None:
    with pytest.raises(Undelivered):
        await AzureMailer(address.url, SENDER, Secret("")).send(AZURE_MAIL)
    assert service.requests == []
