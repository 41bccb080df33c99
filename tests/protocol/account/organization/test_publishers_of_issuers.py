"""/account/organizations/{org}/publishers: publishers of any issuer, and the check of a token."""

from pathlib import Path
from typing import cast

import httpx
import pytest
from msgspec.structs import replace

from shared.domain.events import org_stream
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.domain.trusted_publishing.jobs import Provider
from shared.domain.trusted_publishing.publishers import Publisher, PublisherScopes
from shared.services.adapters import Adapters
from tests.fakes.identity_provider import rsa_key
from tests.fakes.system import FakeClock
from tests.support.browsers import Browser, signed_in
from tests.support.issuers import ISSUERS, JOBS, PRESETS, SETTINGS, asked_claims, preset_issuers
from tests.support.job_issuers import JobIssuers
from tests.support.logs import capture_logs
from tests.support.trusted_publishing import GITHUB, provider_issuers
from tests.support.trusted_publishing import SETTINGS as PROVIDERS
from tests.support.world import URL, OpenWorld

pytestmark = pytest.mark.measured

ACME = parse_org("acme")
PAGE = "/account/organizations/acme/publishers"
LABELS = list(JOBS)


class Issuers:
    """The doubles of a test; they sign once the registry is open."""

    doubles: JobIssuers[str]
    systems: JobIssuers[Provider]


@pytest.fixture
def issuers() -> Issuers:
    return Issuers()


@pytest.fixture
async def owner(worlds: OpenWorld, issuers: Issuers) -> Browser:
    """Return the browser of an owner, whose registry knows every issuer and CI system."""

    def connect(stores: Adapters) -> Adapters:
        clock = cast(FakeClock, stores.clock)
        issuers.doubles = preset_issuers(clock, URL)
        issuers.systems = provider_issuers(clock, URL)
        issuers.doubles.internet.issuers += issuers.systems.internet.issuers
        return replace(stores, fetcher=issuers.doubles.internet)

    world = await worlds(wrap=connect, **SETTINGS, **PROVIDERS)
    return await signed_in(world, world.people.ann, PAGE)


def form(label: str, **changes: str) -> dict[str, str]:
    """Return the form of a publisher as the examples of a preset have it."""
    preset = PRESETS[label]
    claims = {f"claim {name}": value for name, value in asked_claims(preset).items()}
    return {
        "provider": "oidc",
        "choice": label,
        "server": ISSUERS[label],
        "package": "greet",
        "scopes": "publish",
        "audience": preset.audience or URL,
        **claims,
        **changes,
    }


async def add(owner: Browser, label: str, **changes: str) -> httpx.Response:
    """Open the form of a publisher, and send it as the examples of the preset have it."""
    await owner.open(f"{PAGE}?provider={label}")
    return await owner.submit(f"{PAGE}/add", **form(label, **changes))


async def stored(owner: Browser) -> list[Publisher]:
    publishers = owner.world.registry.tokens.trusted_publishers
    return await publishers.of_organization(ACME, by=OPERATOR)


@pytest.mark.parametrize("label", LABELS)
async def test_the_form_of_an_issuer_asks_for_its_claims_and_shows_its_pipelines(
    owner: Browser, label: str
) -> None:
    await owner.open(f"{PAGE}?provider={label}")
    preset = PRESETS[label]
    for claim in preset.claims:
        assert f'name="claim {claim.name}"' in owner.text
    for each in preset.pipelines:
        assert f"For {each.title}" in owner.text
    assert "https://ballroom.example.org" not in owner.text
    assert URL in owner.text


@pytest.mark.parametrize("label", LABELS)
async def test_an_owner_adds_a_publisher_by_the_examples_and_sees_it(
    owner: Browser, label: str
) -> None:
    answer = await add(owner, label)
    assert answer.status_code == 303, owner.text
    [added] = await stored(owner)
    assert added.issuer == ISSUERS[label]
    assert added.claims == asked_claims(PRESETS[label])
    assert f"Issuer: {ISSUERS[label]}" in owner.text
    assert f"Audience: {PRESETS[label].audience or URL}" in owner.text
    assert "Trusted publisher added." in owner.text


async def test_further_claims_are_written_on_lines(owner: Browser) -> None:
    lines = "runner_environment=self-hosted\r\n\r\n build_source = webhook"
    await add(owner, "buildkite", claims=lines)
    [added] = await stored(owner)
    assert added.claims["runner_environment"] == "self-hosted"
    assert added.claims["build_source"] == "webhook"


async def test_a_line_that_is_no_claim_is_refused_beside_the_lines(owner: Browser) -> None:
    answer = await add(owner, "buildkite", claims="self-hosted")
    assert answer.status_code == 400
    assert "Write NAME=VALUE on each line." in owner.text
    assert ">self-hosted</textarea>" in owner.text
    assert 'value="organization:octo:pipeline:greet' in owner.text


async def test_claims_that_every_customer_can_have_are_refused(owner: Browser) -> None:
    answer = await add(owner, "buildkite", **{"claim organization_id": ""})
    assert answer.status_code == 400
    assert "Other customers of buildkite could publish" in owner.text
    assert await stored(owner) == []


async def test_a_publisher_that_reads_has_no_package(owner: Browser) -> None:
    answer = await add(owner, "kubernetes", package="", scopes="read")
    assert answer.status_code == 303, owner.text
    [added] = await stored(owner)
    assert added.scopes is PublisherScopes.READ
    assert "Reads only" in owner.text


async def test_an_issuer_that_the_operator_does_not_name_is_refused(owner: Browser) -> None:
    sent = form("jenkins", server="https://jenkins.example.net/oidc")
    assert (await owner.post(f"{PAGE}/add", **sent)).status_code == 400
    assert "takes no tokens of the issuer" in owner.text


# --- a pasted token ----------------------------------------------------------------------------


def signature(token: str) -> str:
    return token.rpartition(".")[2]


@pytest.mark.parametrize("label", LABELS)
async def test_a_pasted_token_shows_its_claims_and_which_publisher_takes_it(
    owner: Browser, issuers: Issuers, label: str
) -> None:
    await add(owner, label)
    token = issuers.doubles.token(label)
    answer = await owner.submit(f"{PAGE}/check", token=token)
    assert answer.status_code == 200
    assert "The signature is right, and a publisher takes this job." in answer.text
    assert f'<code dir="auto">{ISSUERS[label]}</code>' in answer.text
    assert signature(token) not in answer.text
    assert token.split(".")[1] not in answer.text


async def test_a_publisher_that_does_not_take_a_pasted_token_says_why(
    owner: Browser, issuers: Issuers
) -> None:
    await add(owner, "circleci")
    ref = {"oidc.circleci.com/vcs-ref": "refs/heads/main"}
    answer = await owner.submit(f"{PAGE}/check", token=issuers.doubles.token("circleci", **ref))
    assert "but no publisher takes this job" in answer.text
    assert "No: its claim oidc.circleci.com/vcs-ref is &#39;refs/heads/main&#39;" in answer.text


async def test_a_pasted_token_fills_in_the_form_of_its_issuer(
    owner: Browser, issuers: Issuers
) -> None:
    answer = await owner.submit(f"{PAGE}/check", token=issuers.doubles.token("buildkite"))
    rule = "organization:octo:pipeline:greet:ref:refs/tags/v*:commit:*:step:publish"
    assert f'name="claim sub" type="text" value="{rule}"' in answer.text
    assert 'name="claim pipeline_id" type="text" value="0184990a-4782' in answer.text


async def test_a_token_that_somebody_else_signed_is_said_to_be_unverified(
    owner: Browser, issuers: Issuers
) -> None:
    await add(owner, "jenkins")
    issuers.doubles.issuers["jenkins"].keys = {"key-1": rsa_key(77)}
    forged = issuers.doubles.token("jenkins")
    issuers.doubles.issuers["jenkins"].keys = {"key-1": rsa_key(78)}
    answer = await owner.submit(f"{PAGE}/check", token=forged)
    assert "its signature is wrong" in answer.text
    assert "not verified: anyone could have written them" in answer.text
    assert "takes this job" not in answer.text
    assert 'name="claim sub" type="text" value=""' in answer.text


async def test_a_token_of_an_issuer_that_is_not_known_is_unverified(
    owner: Browser, issuers: Issuers
) -> None:
    other = issuers.doubles.token("jenkins", iss="https://jenkins.example.net/oidc")
    answer = await owner.submit(f"{PAGE}/check", token=other)
    assert "takes no jobs of its issuer" in answer.text
    assert "not verified" in answer.text


async def test_a_run_that_never_publishes_is_said_to_be_one(
    owner: Browser, issuers: Issuers
) -> None:
    [github] = [key for key, url in issuers.systems.issuers.items() if url.url == GITHUB]
    token = issuers.systems.token(github, event_name="pull_request_target")
    answer = await owner.submit(f"{PAGE}/check", token=token)
    assert "The signature of GitHub Actions is right." in answer.text
    assert "This run may not publish" in answer.text


async def test_a_checked_token_can_still_be_exchanged(owner: Browser, issuers: Issuers) -> None:
    await add(owner, "buildkite")
    token = issuers.doubles.token("buildkite")
    await owner.submit(f"{PAGE}/check", token=token)
    exchanged = await owner.world.send(
        "POST", f"{URL}/api/v1/trusted-publishing/token", json={"token": token, "org": "acme"}
    )
    assert exchanged.status_code == 201, exchanged.text


async def test_a_pasted_token_is_neither_logged_nor_stored(
    owner: Browser, issuers: Issuers, scratch: Path
) -> None:
    await add(owner, "jenkins")
    before = await owner.world.stores.events.stream(org_stream(ACME), None, 100)
    token = issuers.doubles.token("jenkins")
    with capture_logs() as events:
        await owner.submit(f"{PAGE}/check", token=token)
    assert not any(part in repr(events) for part in token.split("."))
    assert await owner.world.stores.events.stream(org_stream(ACME), None, 100) == before
    files = [each for each in scratch.rglob("*") if each.is_file()]
    assert not any(signature(token).encode() in each.read_bytes() for each in files)


@pytest.mark.parametrize("text", ["", "no token", "a.b.c", "ä.b.c", "x" * 20_000])
async def test_a_text_that_is_no_token_is_refused_and_not_repeated(
    owner: Browser, text: str
) -> None:
    answer = await owner.submit(f"{PAGE}/check", token=text)
    assert answer.status_code in (400, 401)
    assert 'id="token-error"' in owner.text
    assert f">{text}</textarea>" not in owner.text or not text


async def test_only_owners_check_tokens(worlds: OpenWorld) -> None:
    world = await worlds(**SETTINGS)
    mia = await signed_in(world, world.people.mia, "/account/tokens")
    answer = await mia.post(f"{PAGE}/check", token="a.b.c")
    assert answer.status_code == 403
