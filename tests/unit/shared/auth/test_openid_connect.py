"""Signing in with each kind of provider, against a test issuer that checks code and PKCE."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from syrupy.assertion import SnapshotAssertion

from shared.auth.identity_providers import (
    Freshness,
    StrongClaims,
    VerifiedIdentity,
    mail_address,
    one_line,
)
from shared.auth.openid_connect import ClientAuthentication, GitHubProvider, OAuthClient, OidcFlow
from shared.auth.secrets import Secret
from shared.ports.http_client import HttpResponse, Unanswered
from tests.fakes.identity_provider import CLIENT_ID, CLIENT_SECRET
from tests.fakes.system import FakeClock, FakeRandomness
from tests.support.identity_providers import BACK, ProviderSetup
from tests.support.refusals import raises_refusal
from tests.support.sign_in import HOST, KINDS, TENANT


@pytest.fixture
def setup() -> ProviderSetup:
    """Return an issuer and providers of the test's own."""
    return ProviderSetup()


@pytest.mark.parametrize(
    ("kind", "issuer", "identifier"),
    [
        ("entra", f"{HOST}/{TENANT}/v2.0", "object-of-kim"),
        ("oidc", f"{HOST}/{TENANT}/v2.0", "subject-of-kim"),
        ("github", HOST, "583231"),
    ],
)
async def test_a_provider_identifies_the_account_by_what_never_changes(
    setup: ProviderSetup, kind: str, issuer: str, identifier: str
) -> None:
    assert await setup.sign_in(setup.provider(kind)) == VerifiedIdentity(
        issuer=issuer,
        identifier=identifier,
        label="kim",
        email="kim@example.org",
        display_name="Kim Larsen",
        strong=False,
        authenticated_ms=setup.clock.now_ms(),
    )


@pytest.mark.parametrize("kind", KINDS)
async def test_every_sign_in_has_a_state_and_a_challenge_of_its_own(
    setup: ProviderSetup, kind: str
) -> None:
    provider = setup.provider(kind)
    begun = [await provider.begin(BACK, Freshness.ANY) for _ in range(2)]
    asked = [parse_qs(urlsplit(each.address).query) for each in begun]
    for name in ("state", "code_challenge", *(["nonce"] if kind != "github" else [])):
        assert asked[0][name] != asked[1][name]
    assert asked[0]["code_challenge_method"] == ["S256"]
    assert asked[0]["state"] == [begun[0].state]
    assert asked[0]["redirect_uri"] == [BACK]
    assert json.loads(begun[0].flow)["code_verifier"] not in begun[0].address


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("access_denied", "you did not agree"),
        ("consent_required", "you did not agree"),
        ("interaction_required", "you did not agree"),
        ("server_error", "answered server_error"),
        ("x" * 40, f"answered {'x' * 40}"),
        *((text, "answered with an error") for text in ("x" * 41, "a b", "<b>call 555</b>")),
        ("", "its answer holds no code"),
    ],
)
async def test_a_refusal_of_the_provider_is_reported_without_its_text(
    setup: ProviderSetup, kind: str, error: str, reason: str
) -> None:
    provider = setup.provider(kind)
    begun = await provider.begin(BACK, Freshness.ANY)
    answer = {"error": error, "error_description": "Call 555"} if error else {}
    with raises_refusal("sign-in-failed", match=reason) as refused:
        await provider.finish(begun.flow, {**answer, "state": begun.state})
    assert "555" not in str(refused.value)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_silent_provider_is_named(setup: ProviderSetup, kind: str) -> None:
    provider = setup.provider(kind)
    begun = await provider.begin(BACK, Freshness.ANY)
    answer = await setup.answer(begun)
    setup.internet.is_down = True
    with raises_refusal("issuer-silent", match=provider.label):
        await provider.finish(begun.flow, answer)


@pytest.mark.parametrize("kind", ["entra", "oidc"])
async def test_a_provider_that_is_silent_from_the_start_is_named(
    setup: ProviderSetup, kind: str
) -> None:
    setup.internet.is_down = True
    provider = setup.provider(kind)
    with raises_refusal("issuer-silent", match=provider.label):
        await provider.begin(BACK, Freshness.ANY)


@pytest.mark.parametrize("kind", ["entra", "oidc"])
async def test_when_somebody_showed_who_they_are_the_provider_says(
    setup: ProviderSetup, kind: str
) -> None:
    now_s = setup.clock.now_ms() // 1000
    setup.issuer.person.claims["auth_time"] = now_s - 7200
    signed_in = await setup.sign_in(setup.provider(kind))
    assert signed_in.authenticated_ms == (now_s - 7200) * 1000
    setup.issuer.person.claims["auth_time"] = now_s + 7200
    signed_in = await setup.sign_in(setup.provider(kind))
    assert signed_in.authenticated_ms == setup.clock.now_ms()


@pytest.mark.parametrize("kind", ["entra", "oidc"])
@pytest.mark.parametrize(
    ("claims", "strong"),
    [
        ({"amr": ["pwd", "fido"]}, True),
        ({"acr": "phr"}, True),
        ({"acrs": ["c1", "c2"]}, True),
        ({"amr": ["pwd", "mfa"]}, False),
        ({"amr": "fidox"}, False),
        ({"fido": "amr"}, False),
        ({}, False),
    ],
    ids=["amr", "acr", "acrs", "weak", "longer", "turned", "none"],
)
async def test_the_operator_says_which_claims_are_strong(
    setup: ProviderSetup, kind: str, claims: dict[str, Any], strong: bool
) -> None:
    setup.issuer.person.claims |= claims
    assert (await setup.sign_in(setup.provider(kind))).strong is strong


async def test_an_address_that_nobody_verified_is_no_address(setup: ProviderSetup) -> None:
    setup.issuer.person.claims["email_verified"] = False
    assert (await setup.sign_in(setup.provider("oidc"))).email == ""


@pytest.mark.parametrize("kind", ["entra", "oidc"])
async def test_a_provider_that_names_itself_has_to(setup: ProviderSetup, kind: str) -> None:
    setup.issuer.names_itself = True
    provider = setup.provider(kind)
    assert await setup.sign_in(provider)
    begun = await provider.begin(BACK, Freshness.ANY)
    answer = await setup.answer(begun)
    del answer["iss"]
    with raises_refusal("sign-in-failed", match="another provider"):
        await provider.finish(begun.flow, answer)


@pytest.mark.parametrize("text", ["amr", "amr=", "=fido", "amr=fido,acr"])
def test_a_list_of_strong_claims_has_names_and_values(text: str) -> None:
    with pytest.raises(ValueError, match="amr=fido"):
        StrongClaims.parse(text)


def test_texts_of_others_are_shown_on_one_line() -> None:
    assert one_line(" Kim\n\tLarsen\N{RIGHT-TO-LEFT OVERRIDE} ") == "Kim Larsen"
    assert len(one_line("x" * 1000)) == 100


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("kim@example.org", "kim@example.org"),
        (" kim@example.org ", "kim@example.org"),
        ("kim", ""),
        ("@example.org", ""),
        ("kim@", ""),
        ("a b@example.org", ""),
        ("kim@example.org\nBcc: all", ""),
        ("x" * 250 + "@a.b", "x" * 250 + "@a.b"),
        ("x" * 260 + "@a.b", ""),
    ],
)
def test_an_invalid_mail_address_is_dropped(text: str, address: str) -> None:
    assert mail_address(text) == address


# --- odd providers ------------------------------------------------------------------------------


class FixedAnswers:
    """A provider that answers every request with these bytes, or as the test says by address."""

    def __init__(self, **answers: bytes) -> None:
        """Answer addresses that end with a name."""
        self.answers = answers
        self.status = 200  # Of answers to POST.
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.posted: list[tuple[dict[str, str], bytes]] = []

    async def get(self, url: str, headers: Any) -> HttpResponse:
        """Return the answer for the address."""
        self.asked.append((url, dict(headers)))
        return HttpResponse(200, {}, self.answers[url.rpartition("/")[2]])

    async def post(self, url: str, headers: Any, body: bytes) -> HttpResponse:
        """Return the answer for the address."""
        self.posted.append((dict(headers), body))
        return HttpResponse(self.status, {}, self.answers[url.rpartition("/")[2]])


GITHUB = {
    "access_token": b'{"access_token": "t", "token_type": "bearer"}',
    "user": b'{"id": 7, "login": "kim", "name": null}',
    "emails": b"[]",
}


async def by_github(**answers: bytes) -> VerifiedIdentity:
    """Sign in with a GitHub that answers this."""
    return await by(FixedAnswers(**{**GITHUB, **answers}))


async def by(fetcher: FixedAnswers, address: str = "https://github.com") -> VerifiedIdentity:
    """Sign in with the GitHub that this answers for."""
    client = OAuthClient(CLIENT_ID, Secret(CLIENT_SECRET))
    provider = GitHubProvider(
        address, client, fetcher=fetcher, clock=FakeClock(), randomness=FakeRandomness("github")
    )
    begun = await provider.begin(BACK, Freshness.ANY)
    assert begun.address.startswith(f"{address}/login/oauth/authorize?")
    return await provider.finish(begun.flow, {"state": begun.state, "code": "code"})


@pytest.mark.parametrize(
    "emails",
    [
        b"[]",
        b"{}",
        b"no JSON",
        b'[{"email": "a@b.c", "primary": true, "verified": false}]',
        b'[{"email": "a@b.c", "primary": false, "verified": true}]',
        b'[{"email": 7, "primary": true, "verified": true}, "a@b.c"]',
        b"[" * 100_000,
    ],
    ids=["none", "object", "text", "unverified", "other", "odd", "deep"],
)
async def test_an_address_that_github_did_not_verify_is_dropped(emails: bytes) -> None:
    signed_in = await by_github(emails=emails)
    assert (signed_in.email, signed_in.display_name, signed_in.identifier) == ("", "kim", "7")


@pytest.mark.parametrize(
    ("address", "api"),
    [
        ("https://github.com", "https://api.github.com"),
        ("https://git.test", "https://git.test/api/v3"),
    ],
)
async def test_github_is_asked_with_the_token_and_the_headers_that_it_wants(
    address: str, api: str
) -> None:
    fetcher = FixedAnswers(**GITHUB)
    assert (await by(fetcher, address)).issuer == address
    headers = {
        "Authorization": "Bearer t",
        "Accept": "application/vnd.github+json",
        "User-Agent": "Ballroom",
    }
    assert fetcher.asked == [(f"{api}/user", headers), (f"{api}/user/emails", headers)]


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        *(("access_token", text) for text in (b"[]", b"no JSON")),
        *(("user", text) for text in (b"[]", b"no JSON", b"{}")),
        *(("user", text) for text in (b'{"id": true}', b'{"id": "7"}', b'{"id": 0}')),
    ],
)
async def test_an_answer_that_names_nobody_is_none(name: str, answer: bytes) -> None:
    with raises_refusal("issuer-silent", match="GitHub"):
        await by_github(**{name: answer})


@pytest.mark.parametrize(
    ("secret", "authentication"),
    [
        ("s:e", ClientAuthentication.HEADER),
        ("s&e", ClientAuthentication.FORM),
        ("", ClientAuthentication.HEADER),
    ],
    ids=["header", "form", "public client"],
)
async def test_the_client_has_its_credentials_in_one_place(
    secret: str, authentication: ClientAuthentication, snapshot: SnapshotAssertion
) -> None:
    fetcher = FixedAnswers(token=b'{"id_token": "t"}')
    client = OAuthClient("id", Secret(secret))
    flow = OidcFlow("state", "nonce", "verifier", BACK)
    sent = await client.exchange(fetcher, f"{HOST}/token", flow, "a&b", authentication)
    assert sent == {"id_token": "t"}
    [(headers, body)] = fetcher.posted
    assert [f"{headers}", f"{parse_qs(body.decode(), keep_blank_values=True)}"] == snapshot


@pytest.mark.parametrize(
    ("status", "is_read"), [(200, True), (400, True), (499, True), (500, False), (503, False)]
)
async def test_a_refusal_of_a_code_is_read_and_a_failed_provider_is_no_answer(
    status: int, is_read: bool
) -> None:
    fetcher = FixedAnswers(token=b'{"error": "invalid_grant"}')
    fetcher.status = status
    client = OAuthClient("id", Secret("s"))
    flow = OidcFlow("state", "nonce", "verifier", BACK)
    exchange = client.exchange(fetcher, f"{HOST}/token", flow, "code", ClientAuthentication.FORM)
    if is_read:
        assert await exchange == {"error": "invalid_grant"}
    else:
        with pytest.raises(Unanswered, match=f"^the answer was {status}$"):
            await exchange


@pytest.mark.parametrize(
    ("methods", "by_header"),
    [
        ([], True),
        (["client_secret_basic", "client_secret_post"], True),
        (["private_key_jwt"], True),
        (["client_secret_post"], False),
    ],
)
async def test_the_secret_is_in_a_header_unless_the_provider_takes_it_only_in_the_form(
    setup: ProviderSetup, methods: list[str], by_header: bool
) -> None:
    setup.issuer.client_authentication = methods
    posted: list[bytes] = []
    post = setup.internet.post

    async def noted(url: str, headers: Any, body: bytes) -> HttpResponse:
        posted.append(body)
        return await post(url, headers, body)

    setup.internet.post = noted
    assert await setup.sign_in(setup.provider("oidc"))
    assert [b"client_secret=" not in body for body in posted] == [by_header]


def test_the_address_of_a_provider_keeps_its_own_parameters() -> None:
    flow = OidcFlow("state", "nonce", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", BACK)
    client = OAuthClient("id", Secret(""))
    address = client.sign_in_address(f"{HOST}/authorize?policy=p", flow, scope="a b")
    assert address.startswith(f"{HOST}/authorize?policy=p&response_type=code&client_id=id&")
    # The example in appendix B of RFC 7636.
    assert "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&" in address
    assert address.endswith("&scope=a+b")
