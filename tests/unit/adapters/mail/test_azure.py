"""Mail through Azure Communication Services, over a stand-in on this machine."""

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from azure.core.exceptions import ClientAuthenticationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.adapters.mail.azure import AzureMailer, ManagedIdentity
from shared.auth.secret import Secret
from shared.domain.mails import Mail, parse_email
from shared.ports import Undelivered
from tests.serving import Address, running

MAIL = Mail(parse_email("kim@example.org"), "You are invited", "Open this link.")
SENDER = parse_email("ballroom@example.org")
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


async def test_a_mail_is_handed_over_in_one_signed_request(
    service: Service, address: Address
) -> None:
    mailer = AzureMailer(address.url, SENDER, KEY)
    await mailer.send(MAIL)
    await mailer.send(MAIL)
    [(authorization, body), _] = service.requests
    assert authorization.startswith("HMAC-SHA256 ")
    assert body == {
        "senderAddress": SENDER,
        "recipients": {"to": [{"address": "kim@example.org"}]},
        "content": {"subject": "You are invited", "plainText": "Open this link."},
    }


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_refusal_does_not_repeat_the_address(
    service: Service, address: Address, status: int
) -> None:
    service.status = status
    with pytest.raises(Undelivered) as refused:
        await AzureMailer(address.url, SENDER, KEY).send(MAIL)
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
        await AzureMailer(address.url, SENDER, Secret("")).send(MAIL)
    assert service.requests == []
