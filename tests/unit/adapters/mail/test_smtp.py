"""Mail by SMTP, over a server on this machine."""

import shutil
import ssl
from pathlib import Path

import pytest

from shared.adapters.mail.smtp import Encryption, SmtpMailer, SmtpServer
from shared.auth.secret import Secret
from shared.domain.mails import EmailAddress, Mail, parse_email
from shared.ports import Undelivered
from tests.serving import make_certificate
from tests.smtp_server import Postbox, mail_server

SENDER = parse_email("ballroom@example.org")
KIM = parse_email("kim@example.org")
MAIL = Mail(KIM, "You are invited to acme", "Grüße\n\nhttps://registry.test/invitations/abc\n")

needs_openssl = pytest.mark.skipif(
    not shutil.which("openssl"), reason="openssl makes the certificate"
)


def mailer(
    postbox: Postbox,
    encryption: Encryption = Encryption.NONE,
    trust: ssl.SSLContext | None = None,
    user: str = "",
) -> SmtpMailer:
    """Return a mailer for the postbox."""
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
        await mailer(postbox).send(MAIL)
    [message] = postbox.messages
    assert (message["From"], message["To"]) == (SENDER, KIM)
    assert message["Subject"] == MAIL.subject
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content() == MAIL.text
    assert "AUTH" not in postbox.heard


async def test_mail_is_not_sent_where_nobody_encrypts_it() -> None:
    assert SmtpServer("mail.example.org", 587).encryption is Encryption.STARTTLS
    with (
        mail_server(Postbox()) as postbox,
        pytest.raises(Undelivered, match="SMTPNotSupportedError"),
    ):
        await mailer(postbox, Encryption.STARTTLS, user="kim").send(MAIL)
    assert postbox.letters == []
    assert not {"AUTH", "MAIL", "RCPT"} & set(postbox.heard)


@needs_openssl
async def test_mail_is_encrypted_before_anything_is_said_of_it(
    encryption: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    serving, trust = encryption
    with mail_server(Postbox(encryption=serving)) as postbox:
        await mailer(postbox, Encryption.STARTTLS, trust, user="kim").send(MAIL)
    assert postbox.heard[:5] == ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL"]
    assert len(postbox.letters) == 1


@needs_openssl
async def test_a_server_that_nobody_vouches_for_gets_no_mail(
    encryption: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    serving, _ = encryption
    with (
        mail_server(Postbox(encryption=serving)) as postbox,
        pytest.raises(Undelivered, match="SSLCertVerificationError"),
    ):
        await mailer(postbox, Encryption.STARTTLS, user="kim").send(MAIL)
    assert postbox.letters == []
    assert "AUTH" not in postbox.heard


async def test_a_refusal_does_not_repeat_the_address() -> None:
    with (
        mail_server(Postbox(takes_mail=False)) as postbox,
        pytest.raises(Undelivered) as refused,
    ):
        await mailer(postbox).send(MAIL)
    assert str(refused.value) == "SMTPRecipientsRefused"
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


async def test_a_server_that_is_not_there_is_no_surprise() -> None:
    with mail_server(Postbox()) as gone:
        pass
    for encryption in Encryption:
        with pytest.raises(Undelivered, match="ConnectionRefusedError"):
            await mailer(gone, encryption).send(MAIL)


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
    assert postbox.letters == []
