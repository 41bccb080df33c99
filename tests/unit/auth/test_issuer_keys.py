"""What is read of the document of an issuer, and what is refused."""

from collections.abc import Mapping
from typing import Any

import pytest

from shared.auth.issuer_keys import IssuerDiscovery, IssuerDocument
from shared.ports import HttpResponse, Unanswered
from tests.fakes.system import FakeClock

URL = "https://login.test/tenant"
WHOLE: dict[str, Any] = {
    "issuer": URL,
    "jwks_uri": f"{URL}/keys",
    "authorization_endpoint": f"{URL}/authorize",
    "token_endpoint": f"{URL}/token",
    "userinfo_endpoint": f"{URL}/userinfo",
    "token_endpoint_auth_methods_supported": ["client_secret_post", 7, "private_key_jwt"],
    "authorization_response_iss_parameter_supported": True,
}


class Silent:
    """A `HttpClient` that notes what is asked, and finds nothing."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.asked: list[tuple[str, dict[str, str]]] = []

    async def get(self, url: str, headers: Mapping[str, str]) -> HttpResponse:
        """Note a question."""
        self.asked.append((url, dict(headers)))
        return HttpResponse(404, {}, b"")

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """Find nothing."""
        return HttpResponse(404, {}, body)


def test_a_document_is_read_by_the_names_of_the_standard() -> None:
    assert IssuerDocument.parse(WHOLE, URL) == IssuerDocument(
        issuer=URL,
        keys=f"{URL}/keys",
        authorization=f"{URL}/authorize",
        token=f"{URL}/token",
        userinfo=f"{URL}/userinfo",
        client_authentication=("client_secret_post", "private_key_jwt"),
        names_itself=True,
    )


def test_what_a_document_lacks_is_empty() -> None:
    assert IssuerDocument.parse({"issuer": URL, "jwks_uri": "k"}, URL) == IssuerDocument(
        issuer=URL,
        keys="k",
        authorization="",
        token="",
        userinfo="",
        client_authentication=(),
        names_itself=False,
    )


def test_what_is_of_another_type_counts_as_missing() -> None:
    odd = {
        "token_endpoint": 7,
        "token_endpoint_auth_methods_supported": "client_secret_post",
        "authorization_response_iss_parameter_supported": "true",
    }
    read = IssuerDocument.parse({**WHOLE, **odd}, URL)
    assert (read.token, read.client_authentication, read.names_itself) == ("", (), False)


@pytest.mark.parametrize("keys", [None, "", 7])
def test_a_document_without_the_address_of_its_keys_is_refused(keys: object) -> None:
    with pytest.raises(Unanswered, match=r"^the document lacks the address of its keys$"):
        IssuerDocument.parse({**WHOLE, "jwks_uri": keys}, URL)


@pytest.mark.parametrize("issuer", [None, f"{URL}/", "https://other.test"])
def test_the_document_of_another_issuer_is_refused(issuer: object) -> None:
    with pytest.raises(Unanswered, match=r"^the document is of another issuer$"):
        IssuerDocument.parse({**WHOLE, "issuer": issuer}, URL)


@pytest.mark.parametrize("issuer", [URL, f"{URL}/"])
async def test_a_document_is_asked_for_at_the_address_of_the_standard(issuer: str) -> None:
    told: list[tuple[str, str]] = []
    fetcher = Silent()
    discovery = IssuerDiscovery(
        fetcher, FakeClock(), lambda name, reason: told.append((name, reason))
    )
    with pytest.raises(Unanswered):
        await discovery.document(issuer)
    address = f"{URL}/.well-known/openid-configuration"
    assert fetcher.asked == [(address, {"Accept": "application/json"})]
    assert told == [(issuer, "the answer was 404")]
