"""Signing in with Entra ID through msal: what it asks, what reaches it, and what it keeps."""

import gc
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.auth.identity_providers import Freshness
from shared.domain.errors.identity import SignedTokenRefused
from shared.ports.http_client import HttpResponse, Unanswered
from tests.fakes.identity_provider import CLIENT_ID, CLIENT_SECRET, FakeInternet, jwk, rsa_key
from tests.support.identity_providers import BACK, ProviderSetup
from tests.support.refusals import raises_refusal


@pytest.fixture
def setup() -> ProviderSetup:
    """Return an issuer and providers of the test's own."""
    return ProviderSetup()


async def test_a_new_sign_in_is_asked_for_with_its_time_and_the_strong_contexts(
    setup: ProviderSetup,
) -> None:
    begun = await setup.entra().begin(BACK, Freshness.NEW)
    asked = parse_qs(urlsplit(begun.address).query)
    assert asked["prompt"] == ["login"]
    assert json.loads(asked["claims"][0]) == {
        "id_token": {
            "auth_time": {"essential": True},
            "acrs": {"essential": True, "values": ["c1"]},
        }
    }


async def test_an_earlier_sign_in_is_enough_where_none_has_to_be_new(setup: ProviderSetup) -> None:
    begun = await setup.entra().begin(BACK, Freshness.ANY)
    asked = parse_qs(urlsplit(begun.address).query)
    assert "prompt" not in asked
    assert "claims" not in asked
    assert sorted(asked["scope"][0].split()) == ["email", "openid", "profile"]


async def test_entra_is_one_tenant(setup: ProviderSetup) -> None:
    setup.issuer.person.claims["tid"] = "00000000-0000-0000-0000-000000000000"
    with pytest.raises(SignedTokenRefused, match="another tenant"):
        await setup.sign_in(setup.provider("entra"))


async def test_entra_answers_with_a_form_or_where_that_does_not_work_with_an_address(
    setup: ProviderSetup,
) -> None:
    begun = await setup.entra().begin(BACK, Freshness.ANY)
    assert "response_mode=form_post" in begun.address
    by_address = setup.entra(by_form_post=False)
    begun = await by_address.begin(BACK, Freshness.ANY)
    assert "response_mode=query" in begun.address
    assert (await setup.sign_in(by_address)).identifier == "object-of-kim"


async def test_entra_knows_the_registry_by_an_assertion_instead_of_a_secret(
    setup: ProviderSetup,
) -> None:
    asked: list[str] = []

    def assertion() -> str:
        asked.append("assertion")
        return "an assertion of the managed identity"

    await setup.sign_in(setup.entra(assertion))
    assert asked == ["assertion"]


@dataclass
class Watched(FakeInternet):
    """The internet of the issuer, which keeps what is posted, and may answer in its place."""

    posted: list[tuple[str, dict[str, str], dict[str, list[str]]]] = field(
        default_factory=list[tuple[str, dict[str, str], dict[str, list[str]]]]
    )
    answer: HttpResponse | None = None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """Keep what is sent, and answer."""
        self.posted.append((url, dict(headers), parse_qs(body.decode())))
        return self.answer or await super().post(url, headers, body)


@pytest.fixture
def watched() -> ProviderSetup:
    """Return a place whose requests are kept."""
    return ProviderSetup(Watched())


def internet_of(setup: ProviderSetup) -> Watched:
    assert isinstance(setup.internet, Watched)
    return setup.internet


async def test_every_request_of_msal_goes_through_the_client_of_the_registry(
    watched: ProviderSetup,
) -> None:
    await watched.sign_in(watched.entra())
    root = "https://login.test"
    discovery = f"{watched.issuer.url}/.well-known/openid-configuration"
    assert internet_of(watched).asked == [discovery, f"{root}/token", f"{root}/keys"]
    [(_, headers, form)] = internet_of(watched).posted
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert headers["x-client-sku"] == "MSAL.Python"
    assert form["client_secret"] == [CLIENT_SECRET]
    assert "offline_access" not in form["scope"][0]


async def test_an_assertion_is_sent_in_place_of_a_secret(watched: ProviderSetup) -> None:
    await watched.sign_in(watched.entra(lambda: "an assertion"))
    [(_, _, form)] = internet_of(watched).posted
    assert "client_secret" not in form
    assert (form["client_id"], form["client_assertion"]) == ([CLIENT_ID], ["an assertion"])
    assert form["client_assertion_type"] == [
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    ]


async def test_a_managed_identity_that_does_not_answer_is_the_reason(setup: ProviderSetup) -> None:
    def assertion() -> str:
        raise Unanswered

    with raises_refusal("issuer-silent", match="Microsoft Entra ID"):
        await setup.sign_in(setup.entra(assertion))


async def test_nothing_of_the_browser_but_the_code_reaches_msal(watched: ProviderSetup) -> None:
    provider = watched.entra()
    begun = await provider.begin(BACK, Freshness.ANY)
    answer = await watched.answer(begun)
    more = {"client_info": "eyJ1aWQiOiJhXG5YOiBiIiwidXRpZCI6ImMifQ", "access_token": "mine"}
    await provider.finish(begun.flow, {**answer, **more})
    [(_, headers, _)] = internet_of(watched).posted
    assert "X-AnchorMailbox" not in headers


async def test_an_answer_with_a_code_and_an_error_is_an_error(setup: ProviderSetup) -> None:
    provider = setup.entra()
    begun = await provider.begin(BACK, Freshness.ANY)
    answer = await setup.answer(begun)
    with raises_refusal("sign-in-failed", match="you did not agree"):
        await provider.finish(begun.flow, {**answer, "error": "access_denied"})


@pytest.mark.parametrize(
    "token", ["no token", "", "a.W10.c"], ids=["text", "empty", "claims that are a list"]
)
async def test_a_token_that_msal_cannot_read_is_refused(setup: ProviderSetup, token: str) -> None:
    setup.issuer.change_token = lambda _: token
    with pytest.raises(SignedTokenRefused):
        await setup.sign_in(setup.entra())


async def test_a_token_by_the_key_of_somebody_else_is_refused_though_msal_takes_it(
    setup: ProviderSetup,
) -> None:
    provider = setup.entra()
    begun = await provider.begin(BACK, Freshness.ANY)
    answer = await setup.answer(begun)
    key = {"keys": [jwk(rsa_key(66), "key-1")]}
    setup.internet.replaced["https://login.test/keys"] = json.dumps(key).encode()
    with pytest.raises(SignedTokenRefused, match="signature"):
        await provider.finish(begun.flow, answer)


async def test_a_token_for_another_sign_in_is_refused(setup: ProviderSetup) -> None:
    provider = setup.entra()
    first = await provider.begin(BACK, Freshness.ANY)
    second = await provider.begin(BACK, Freshness.ANY)
    flow = {**json.loads(first.flow), "nonce": json.loads(second.flow)["nonce"]}
    with pytest.raises(SignedTokenRefused, match="another request"):
        await provider.finish(json.dumps(flow), await setup.answer(first))


@pytest.mark.parametrize(
    "answer",
    [
        HttpResponse(500, {}, b'{"error": "server_error"}'),
        HttpResponse(200, {}, b"[]"),
        HttpResponse(200, {}, b"<html>"),
    ],
    ids=["failed", "list", "page"],
)
async def test_an_answer_that_is_none_is_silence(
    watched: ProviderSetup, answer: HttpResponse
) -> None:
    internet_of(watched).answer = answer
    with raises_refusal("issuer-silent", match="Microsoft Entra ID"):
        await watched.sign_in(watched.entra())


async def test_a_refused_secret_is_what_a_check_finds(setup: ProviderSetup) -> None:
    provider = setup.entra()
    await provider.check()  # An unknown code is what a client that is known gets refused.
    setup.issuer.client_id = "another application"
    setup.issuer.refusal = "invalid_client"
    with pytest.raises(Unanswered, match="client id and secret of this registry"):
        await provider.check()


async def test_no_token_outlives_the_sign_in(setup: ProviderSetup) -> None:
    import msal  # pyright: ignore[reportMissingTypeStubs]

    await setup.sign_in(setup.entra())
    gc.collect()
    kept = (msal.ClientApplication, msal.TokenCache)
    assert not [each for each in gc.get_objects() if isinstance(each, kept)]


async def test_a_sign_in_that_an_earlier_version_began_is_begun_again(setup: ProviderSetup) -> None:
    provider = setup.entra()
    begun = await provider.begin(BACK, Freshness.ANY)
    kept = ("state", "nonce", "code_verifier", "redirect_uri")
    flow = {name: json.loads(begun.flow)[name] for name in kept}
    with pytest.raises(SignedTokenRefused):
        await provider.finish(json.dumps({**flow, "nonce": "0" * 43}), await setup.answer(begun))


async def test_the_environment_names_no_other_address(
    watched: ProviderSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MSAL_FORCE_REGION", "westus3")
    monkeypatch.setenv("REGION_NAME", "westus3")
    assert await watched.sign_in(watched.entra())


def test_msal_is_imported_at_the_first_sign_in() -> None:
    program = "import sys, shared.registry.identity_providers; print('msal' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
