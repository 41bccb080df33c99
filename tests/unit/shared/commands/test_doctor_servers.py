"""What doctor says of the servers that the registry calls, which is advice."""

import asyncio
import json
import shutil
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.adapters import mail
from shared.bootstrap.build import build_registry
from shared.domain.principals import OPERATOR
from shared.domain.webhooks import Topic
from shared.hosting.http_server.server import bind
from tests.fakes.identity_provider import CLIENT_ID, CLIENT_SECRET, Issuer
from tests.support.authorities import CertificateAuthority
from tests.support.forward_proxies import ForwardProxy, forwarding
from tests.support.server import served_app
from tests.support.smtp_server import Postbox, mail_server
from tests.support.terminal import Terminal
from tests.support.world import Template, settings_of

MAIL = {"BALLROOM_MAIL": "smtp", "BALLROOM_MAIL_FROM": "ballroom@example.org"}


def advice(terminal: Terminal, what: str, **settings: str) -> list[tuple[bool, str, str]]:
    """Return what doctor says of the servers of a kind; it never fails because of them."""
    found = json.loads(terminal.run("doctor", "--json", **settings))
    return [(e["ok"], e["found"], e["way_out"]) for e in found if e["what"] == what]


@contextmanager
def receiving_mail(postbox: Postbox) -> Generator[dict[str, str]]:
    """Run a mail server on a loop of its own; yield its settings."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    server = mail_server(postbox)

    def do(work: object) -> None:
        asyncio.run_coroutine_threadsafe(work, loop).result(10)  # type: ignore[arg-type]

    do(server.__aenter__())
    try:
        yield {
            **MAIL,
            "BALLROOM_SMTP_HOST": "127.0.0.1",
            "BALLROOM_SMTP_PORT": str(postbox.port),
            "BALLROOM_SMTP_ENCRYPTION": "starttls" if postbox.encryption else "none",
        }
    finally:
        do(server.__aexit__(None, None, None))
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority.create(tmp_path_factory.mktemp("authority"))


def test_doctor_greets_and_signs_in_to_the_mail_server_and_sends_no_mail(
    terminal: Terminal, authority: CertificateAuthority
) -> None:
    postbox = Postbox(encryption=authority.server_context("127.0.0.1"))
    user = {"BALLROOM_SMTP_USER": "kim", "BALLROOM_SMTP_PASSWORD": "secret"}
    with receiving_mail(postbox) as settings:
        trust = {"BALLROOM_CA_FILE": str(authority.file)}
        [(ok, found, _)] = advice(terminal, "mail", **settings, **user, **trust)
        assert ok
        assert found == f"The mail server 127.0.0.1:{postbox.port} answers and signs kim in."
        assert postbox.heard == ["EHLO", "STARTTLS", "EHLO", "AUTH"]
        assert postbox.mails == []
        [(ok, found, way_out)] = advice(terminal, "mail", **settings, **user)
        assert not ok
        assert "its certificate is not trusted (unable to get local issuer" in found
        assert "BALLROOM_CA_FILE" in way_out


def test_a_mail_server_that_is_away_costs_no_backup(terminal: Terminal) -> None:
    with closing(bind("127.0.0.1", 0)) as bound:  # Does not listen.
        port = str(bound.getsockname()[1])
        away = {**MAIL, "BALLROOM_SMTP_HOST": "127.0.0.1", "BALLROOM_SMTP_PORT": port}
        [(ok, found, way_out)] = advice(terminal, "mail", **away)
        assert (ok, found) == (False, "The mail server takes no mail: the connection was refused.")
        assert "no mail is sent" in way_out
        assert "advice   mail" in terminal.run("doctor", **away)


def test_a_mail_server_behind_a_proxy_is_greeted_through_it(
    terminal: Terminal, authority: CertificateAuthority
) -> None:
    postbox = Postbox(encryption=authority.server_context("mail.test"))
    with receiving_mail(postbox) as settings, forwarding(ForwardProxy()) as proxy:
        proxy.hosts = {"mail.test:25": postbox.port}
        way = {
            **settings,
            "BALLROOM_SMTP_HOST": "mail.test",
            "BALLROOM_SMTP_PORT": "25",
            "BALLROOM_CA_FILE": str(authority.file),
            "https_proxy": proxy.url,
        }
        [(ok, _, _)] = advice(terminal, "mail", **way)
        assert ok
        assert proxy.asked == ["mail.test:25"]
        proxy.status = "403 Forbidden"
        [(ok, found, way_out)] = advice(terminal, "mail", **way)
        assert not ok
        assert f"the proxy 127.0.0.1:{proxy.port} refuses the connection (403 Forbidden)" in found
        assert "NO_PROXY" in way_out
        [(_, found, _)] = advice(terminal, "network", **way)
        assert f"through the proxy 127.0.0.1:{proxy.port}." in found
        assert str(authority.file) in found


@dataclass
class AzureMail:
    """A resource of Azure Communication Services, and the endpoint that gives the app its token."""

    status: int = 404  # The message that is asked for does not exist.
    asked: list[str] = field(default_factory=list[str])

    async def token(self, request: Request) -> Response:
        """Answer as the endpoint of managed identities in a function app."""
        resource = request.query_params["resource"]
        expires = int(time.time()) + 86_400
        body = {"access_token": f"for {resource}", "expires_on": str(expires), "resource": resource}
        return JSONResponse(body)

    async def mail(self, request: Request) -> Response:
        self.asked.append(f"{request.method} {request.url.path}")
        is_known = request.headers["Authorization"] == "Bearer for https://communication.azure.com"
        return JSONResponse({"error": {"code": "none"}}, self.status if is_known else 401)


@pytest.fixture
def azure_mail(
    authority: CertificateAuthority, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[AzureMail, dict[str, str]]]:
    """Serve the double; yield it with the settings of a registry that sends mail through it."""
    double = AzureMail()
    tokens = Starlette(routes=[Route("/token", double.token)])
    mails = Starlette(routes=[Route("/{path:path}", double.mail, methods=["GET", "POST"])])
    certificate = authority.issue("127.0.0.1")
    with served_app(tokens) as identity, served_app(mails, certificate=certificate) as service:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{identity.url}/token")
        monkeypatch.setenv("IDENTITY_HEADER", "secret-header")
        yield (
            double,
            {
                "BALLROOM_MAIL": "azure",
                "BALLROOM_MAIL_FROM": "ballroom@example.org",
                "BALLROOM_ACS_ENDPOINT": f"https://127.0.0.1:{service.port}",
                "BALLROOM_CA_FILE": str(authority.file),
            },
        )


def test_doctor_asks_azure_s_mail_as_the_app_and_sends_no_mail(
    terminal: Terminal, azure_mail: tuple[AzureMail, dict[str, str]]
) -> None:
    double, settings = azure_mail
    endpoint = settings["BALLROOM_ACS_ENDPOINT"]
    [(ok, found, way_out)] = advice(terminal, "mail", **settings)
    assert (ok, found, way_out) == (True, f"{endpoint} answers, and knows this app.", "")
    assert double.asked == ["GET /emails/operations/00000000-0000-0000-0000-000000000000"]


@pytest.mark.parametrize("status", [401, 403])
def test_doctor_says_that_azure_s_mail_does_not_know_the_app(
    terminal: Terminal, azure_mail: tuple[AzureMail, dict[str, str]], status: int
) -> None:
    double, settings = azure_mail
    double.status = status
    [(ok, found, way_out)] = advice(terminal, "mail", **settings)
    assert not ok
    assert found == f"The mail server takes no mail: the answer was {status}."
    assert "Communication and Email Service Owner" in way_out


def test_doctor_says_that_the_certificate_of_azure_s_mail_is_not_trusted(
    terminal: Terminal, azure_mail: tuple[AzureMail, dict[str, str]]
) -> None:
    double, settings = azure_mail
    del settings["BALLROOM_CA_FILE"]
    [(ok, found, way_out)] = advice(terminal, "mail", **settings)
    assert not ok
    assert "certificate" in found
    assert "BALLROOM_CA_FILE" in way_out
    assert double.asked == []


def issuing(issuer: Issuer) -> dict[str, str]:
    host = urlsplit(issuer.url).netloc
    return {
        "BALLROOM_OIDC_ISSUER": issuer.url,
        "BALLROOM_OIDC_CLIENT_ID": CLIENT_ID,
        "BALLROOM_OIDC_CLIENT_SECRET": CLIENT_SECRET,
        "BALLROOM_INSIDE_HOSTS": host,
    }


def test_doctor_asks_the_identity_provider_as_a_sign_in_does(terminal: Terminal) -> None:
    bound = bind("127.0.0.1", 0)
    issuer = Issuer(f"http://127.0.0.1:{bound.getsockname()[1]}")
    settings = issuing(issuer)
    with served_app(issuer.app, at=bound):
        assert advice(terminal, "sign-in", **settings) == [(True, "OpenID Connect answers.", "")]
        assert issuer.calls == ["discovery", "keys", "token"]
    [(ok, found, way_out)] = advice(terminal, "sign-in", **settings)
    assert not ok
    assert found == "OpenID Connect does not answer: the connection was refused."
    assert "nobody signs in" in way_out


def test_doctor_says_that_the_provider_refuses_the_secret(terminal: Terminal) -> None:
    bound = bind("127.0.0.1", 0)
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"

    async def refuse(_request: Request) -> Response:
        return Response('{"error": "invalid_client"}', 401)

    issuer = Issuer(url)
    app = Starlette(routes=[Route("/token", refuse, methods=["POST"]), *issuer.app.routes])
    with served_app(app, at=bound):
        [(ok, found, _)] = advice(terminal, "sign-in", **issuing(issuer))
    assert not ok
    assert "does not accept the client id and secret of this registry (invalid_client)" in found


@pytest.fixture
def subscribed(template: Template, tmp_path: Path) -> Terminal:
    """Return a terminal for a registry with a webhook at hook.test."""
    shutil.copytree(template.folder, tmp_path / "data")

    async def add() -> None:
        registry = build_registry(settings_of(tmp_path / "data"))
        webhooks = registry.organizations.webhooks
        await webhooks.add(None, "https://hook.test/a-secret-path", [Topic.RELEASE], by=OPERATOR)
        await registry.close()

    asyncio.run(add())
    return Terminal(tmp_path / "data")


def test_doctor_connects_to_receivers_of_webhooks_and_delivers_nothing(
    subscribed: Terminal, authority: CertificateAuthority
) -> None:
    received: list[str] = []

    async def receive(request: Request) -> Response:
        received.append(request.method)
        return Response(status_code=204)

    app = Starlette(routes=[Route("/{path:path}", receive, methods=["GET", "POST", "HEAD"])])
    certificate = authority.issue("hook.test")
    with served_app(app, certificate=certificate) as address, forwarding(ForwardProxy()) as proxy:
        proxy.hosts = {"hook.test": address.port}
        way = {"HTTPS_PROXY": proxy.url, "BALLROOM_CA_FILE": str(authority.file)}
        [(ok, found, _)] = advice(subscribed, "webhook", **way)
        assert ok
        assert found.startswith("hook.test (webhook ")
        assert found.endswith(" of the registry) answers.")
        [(ok, found, _)] = advice(subscribed, "webhook", HTTPS_PROXY=proxy.url)
        assert not ok
        assert "has a certificate that this registry does not trust" in found
        assert "secret" not in found
    assert proxy.asked == ["hook.test:443", "hook.test:443"]
    assert received == []


def test_a_server_that_never_answers_takes_five_seconds_and_no_more(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert mail.SMTP_CHECK_SECONDS == 5
    monkeypatch.setattr(mail, "SMTP_CHECK_SECONDS", 0.1)
    started = time.monotonic()
    with closing(bind("127.0.0.1", 0)) as bound:
        bound.listen()  # Accepts nobody.
        port = str(bound.getsockname()[1])
        server = {**MAIL, "BALLROOM_SMTP_HOST": "127.0.0.1", "BALLROOM_SMTP_PORT": port}
        [(ok, found, _)] = advice(terminal, "mail", **server)
    assert (ok, found) == (False, "The mail server takes no mail: there was no answer in time.")
    assert time.monotonic() - started < 5


def test_an_unusable_authority_or_proxy_ends_the_start_in_one_sentence(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # A long path is shortened in the sentence.
    Path("ca.txt").write_text("no certificate")
    for value, reason in (("ca.txt", "has no certificates"), ("none.pem", "names no file to read")):
        line = terminal.fail("doctor", BALLROOM_CA_FILE=value)
        assert line.startswith(f"BALLROOM_CA_FILE cannot be used: '{value}' {reason}")
    line = terminal.fail("doctor", HTTPS_PROXY="socks5://kim:secret@proxy.test:1080")
    assert line.startswith("HTTPS_PROXY cannot be used: it is not the address of a proxy")
    assert "secret" not in line
    assert terminal.run("doctor", BALLROOM_CA_FILE="", HTTPS_PROXY="")


def test_a_proxy_in_lower_case_goes_first(terminal: Terminal) -> None:
    proxies = {"HTTPS_PROXY": "http://one.test:1", "https_proxy": "http://two.test:2"}
    [(_, found, _)] = advice(terminal, "network", **proxies, no_proxy=".corp.test")
    assert found == "Other servers are called through the proxy two.test:2, except .corp.test."
