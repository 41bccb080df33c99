"""/account/organizations/{org}/publishers: add and remove trusted publishers."""

import re
from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from shared.domain.coordinates import Package
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR
from shared.domain.trusted_publishing.publisher_rules import PublisherRules, Runner
from shared.domain.trusted_publishing.publishers import Publisher, PublisherReads
from shared.ports.http_client import HttpResponse
from tests.fakes.http_client import OneAnswer, answering
from tests.support.archives import bala
from tests.support.browsers import Browser, signed_in
from tests.support.trusted_publishing import SETTINGS
from tests.support.world import OpenWorld, World

pytestmark = pytest.mark.measured

ACME = parse_org("acme")
PAGE = "/account/organizations/acme/publishers"
PACKAGE = "/account/organizations/acme/packages/greet"
GREET = {
    "package": "greet",
    "provider": "github",
    "repository_id": "74",
    "repository_owner_id": "65",
    "repository": "octo/greet",
    "workflow": "release.yml",
    "refs": "refs/tags/v* refs/heads/main",
    "environment": "release",
    "protected": "yes",
}


@pytest.fixture
async def world(worlds: OpenWorld) -> World:
    """Return a registry that takes jobs of every CI system."""
    return await worlds(**SETTINGS)


async def test_an_owner_trusts_a_job_and_trusts_it_no_longer(ann: Browser) -> None:
    answer = await ann.submit(f"{PAGE}/add", **GREET)
    assert answer.status_code == 303, ann.text
    [added] = await ann.world.registry.tokens.trusted_publishers.of_organization(ACME, by=OPERATOR)
    assert added.rules.refs == ("refs/tags/v*", "refs/heads/main")
    assert added.rules.protected
    await ann.submit(f"{PAGE}/remove", publisher=added.id)
    assert "No trusted publishers yet" in ann.text
    assert "Trusted publisher removed." in ann.text


async def test_a_publisher_that_an_earlier_version_stored_is_listed_and_removed(
    ann: Browser,
) -> None:
    guid = "00000000-0000-0000-0000-000000000001"
    ids = {"oid": guid, "tid": guid}
    refused = await ann.post(f"{PAGE}/add", package="greet", provider="entra", **ids)
    assert refused.status_code == 400
    stored = {"id": "publisher1", "org": "acme", "package": "greet", "provider": "entra"}
    fields = {**stored, "server": "https://login.microsoftonline.com", "ids": ids, "created_ms": 1}
    await ann.world.stores.directory.add(Publisher.model_validate(fields))
    await ann.open(PAGE)
    assert guid in ann.text
    await ann.submit(f"{PAGE}/remove", publisher="publisher1")
    assert "No trusted publishers yet" in ann.text


async def test_a_registry_of_one_machine_says_that_no_job_reaches_it(worlds: OpenWorld) -> None:
    world = await worlds(**SETTINGS, url="https://127.0.0.1:7071")
    ann = await signed_in(world, world.people.ann, f"{PAGE}?provider=github")
    assert "Jobs cannot reach <code>https://127.0.0.1:7071</code>" in ann.text
    assert "BALLROOM_URL" in ann.text


async def test_an_unknown_ci_system_shows_the_first_form_and_is_refused(ann: Browser) -> None:
    await ann.open(f"{PAGE}?provider=other")
    assert 'name="repository_id"' in ann.text
    answer = await ann.post(f"{PAGE}/add", **{**GREET, "provider": "other"})
    assert answer.status_code == 400
    assert "There is no such CI system." in ann.text


async def test_rules_that_keep_nobody_out_are_refused_with_what_was_typed(ann: Browser) -> None:
    loose = {**GREET, "refs": "", "environment": "", "protected": [], "tag_version": ""}
    answer = await ann.submit(f"{PAGE}/add", **loose)
    assert answer.status_code == 400
    assert 'value="octo/greet"' in ann.text
    assert "Anybody who may push a branch" in ann.text


async def test_the_form_ties_the_version_to_the_tag_and_says_what_jobs_read(
    ann: Browser,
) -> None:
    await ann.open(f"{PAGE}?provider=github")
    assert 'name="tag_version" type="text" value="v{version}"' in ann.text
    assert "A build whose dependencies include private packages reads them." in ann.text
    rules = {"tag_version": "v{version}", "runner": "provider", "claims": "actor_id=12"}
    answer = await ann.submit(f"{PAGE}/add", **GREET, **rules, reads="organization")
    assert answer.status_code == 303, ann.text
    [added] = await ann.world.registry.tokens.trusted_publishers.of_organization(ACME, by=OPERATOR)
    assert (added.rules.tag_version, added.rules.runner) == ("v{version}", Runner.PROVIDER)
    assert (added.reads, added.claims) == (PublisherReads.ORGANIZATION, {"actor_id": "12"})
    assert "Reads all packages of acme" in ann.text


async def test_what_the_form_suggests_for_a_tag_is_left_out_where_a_publisher_only_reads(
    ann: Browser,
) -> None:
    reading = {**GREET, "package": "", "scopes": "read", "tag_version": "v{version}"}
    assert (await ann.submit(f"{PAGE}/add", **reading)).status_code == 303, ann.text
    assert "also in pull requests of the repository itself" in ann.text


async def test_a_publisher_of_an_earlier_version_that_excludes_nobody_is_marked(
    ann: Browser,
) -> None:
    await ann.submit(f"{PAGE}/add", **GREET)
    [added] = await ann.world.registry.tokens.trusted_publishers.of_organization(ACME, by=OPERATOR)
    rules = PublisherRules(workflow="release.yml", refs=("refs/heads/*",))
    await ann.world.stores.directory.put(added.model_copy(update={"rules": rules}))
    await ann.open(PAGE)
    assert "refs/heads/* is every branch" in ann.text


async def test_a_package_is_left_to_its_publishers_and_back(ann: Browser) -> None:
    await ann.world.push(bala("acme/greet:1.0.0"))
    await ann.submit(f"{PAGE}/add", **GREET)
    await ann.open(PACKAGE)
    await ann.submit(f"{PACKAGE}/pushers", pushers="publishers")
    assert "Pushes with an access token are refused" in ann.text
    head = await ann.world.stores.metadata.head(Package.parse("acme", "greet"))
    assert head
    assert head.pushers.value == "publishers"
    await ann.submit(f"{PACKAGE}/pushers", pushers="members")
    assert "Owners and maintainers can publish this package with access tokens" in ann.text


async def test_where_no_jobs_are_taken_there_is_no_form(worlds: OpenWorld) -> None:
    world = await worlds(publish_from_github="", publish_from_gitlab="")
    ann = await signed_in(world, world.people.ann, PAGE)
    assert "Trusted publishing is not enabled on this registry" in ann.text
    assert f'action="{PAGE}/add"' not in ann.text


NAMED = {key: value for key, value in GREET.items() if not key.startswith("repository_")}


class Providers:
    """A `HttpClient` that knows the repository octo/greet at each provider."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def get(self, url: str, headers: Mapping[str, str]) -> HttpResponse:
        """Answer with the ids of the repository; other addresses have nothing."""
        assert "Authorization" not in headers
        self.asked.append(url)
        if url.endswith(("/repos/octo/greet", "/projects/octo%2Fgreet")):
            return HttpResponse(200, {}, b'{"id":74,"owner":{"id":65},"namespace":{"id":66}}')
        return HttpResponse(404, {}, b"{}")

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        raise NotImplementedError


@pytest.fixture
def providers() -> Providers:
    return Providers()


@pytest.fixture
async def owner(worlds: OpenWorld, providers: Providers) -> Browser:
    """Return the browser of an owner, whose registry reaches the providers."""
    world = await worlds(**SETTINGS, wrap=lambda stores: replace(stores, fetcher=providers))
    return await signed_in(world, world.people.ann, PAGE)


async def test_the_ids_of_a_repository_are_looked_up_by_its_name(
    owner: Browser, providers: Providers
) -> None:
    assert (await owner.submit(f"{PAGE}/add", **NAMED)).status_code == 303
    [added] = await owner.world.registry.tokens.trusted_publishers.of_organization(
        ACME, by=OPERATOR
    )
    assert added.ids == {"repository_id": "74", "repository_owner_id": "65"}
    assert providers.asked == ["https://api.github.com/repos/octo/greet"]


async def test_a_repository_that_is_not_found_leads_to_its_ids(owner: Browser) -> None:
    answer = await owner.submit(f"{PAGE}/add", **{**NAMED, "repository": "octo/private"})
    assert answer.status_code == 400
    for text in ("GitHub has no public repository octo/private", "enter the ids yourself"):
        assert text in owner.text
    assert "<details open>" in owner.text
    assert 'value="octo/private"' in owner.text


@pytest.mark.parametrize(
    ("form", "field", "reason"),
    [
        (
            {**NAMED, "package": ""},
            "package",
            "A publisher publishes one package. Enter its name, or choose the scopes read.",
        ),
        (
            {**NAMED, "repository": ""},
            "repository",
            "Enter the repository as owner/name, such as octo/greet, or enter its ids instead.",
        ),
        ({**NAMED, "repository": "greet"}, "repository", "Enter the repository as owner/name"),
        ({**NAMED, "repository": "octo/private"}, "repository", "has no public repository"),
        ({**NAMED, "workflow": ""}, "workflow", "names its workflow"),
        (
            {**NAMED, "workflow": ".github/workflows/release.yml"},
            "workflow",
            "Write release.yml alone",
        ),
        ({**GREET, "repository_id": "octo/greet"}, "repository_id", "never change"),
    ],
)
async def test_an_invalid_field_has_a_message_of_its_own(
    owner: Browser, form: dict[str, str], field: str, reason: str
) -> None:
    assert (await owner.submit(f"{PAGE}/add", **form)).status_code == 400
    [at] = re.findall('<input[^>]* aria-invalid="true"[^>]*>', owner.text)
    assert f'name="{field}"' in at
    [sentence] = re.findall(f'id="{field}-error"[^>]*>([^<]*)<', owner.text)
    assert reason in sentence


async def test_no_owner_uses_up_the_requests_that_a_provider_answers(
    owner: Browser, providers: Providers
) -> None:
    for number in range(21):
        await owner.submit(f"{PAGE}/add", **{**NAMED, "repository": f"octo/no{number}"})
    assert owner.page
    assert owner.page.status_code == 429
    assert "look-ups of repositories" in owner.text
    assert len(providers.asked) == 20
    assert "by this account" in owner.text
    by_ids = {**NAMED, "repository_id": "74", "repository_owner_id": "65"}
    assert (await owner.submit(f"{PAGE}/add", **by_ids)).status_code == 303


async def test_nothing_is_looked_up_for_those_who_may_not_add(
    worlds: OpenWorld, providers: Providers
) -> None:
    world = await worlds(**SETTINGS, wrap=lambda stores: replace(stores, fetcher=providers))
    mia = await signed_in(world, world.people.mia, "/account/tokens")
    assert (await mia.post(f"{PAGE}/add", **NAMED)).status_code == 403
    assert providers.asked == []


async def test_no_server_is_asked_that_the_operator_does_not_name(
    owner: Browser, providers: Providers
) -> None:
    answer = await owner.post(f"{PAGE}/add", **{**NAMED, "server": "https://169.254.169.254"})
    assert answer.status_code == 400
    assert providers.asked == []


async def test_a_limit_of_the_provider_is_told_with_its_time_and_the_form_is_kept(
    worlds: OpenWorld,
) -> None:
    limited = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1790001800"}
    github = OneAnswer(HttpResponse(403, limited, b""))
    world = await worlds(**SETTINGS, wrap=lambda stores: replace(stores, fetcher=github))
    ann = await signed_in(world, world.people.ann, PAGE)
    answer = await ann.submit(f"{PAGE}/add", **NAMED)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1800")
    assert "GitHub takes no more requests of this registry until 21 September 2026" in ann.text
    assert 'value="octo/greet"' in ann.text


async def test_the_operators_token_is_used_for_looking_up(worlds: OpenWorld) -> None:
    github = answering(200, b'{"id":74,"owner":{"id":65}}')
    settings = {**SETTINGS, "lookup_token": "ghp_of_the_operator"}
    world = await worlds(**settings, wrap=lambda stores: replace(stores, fetcher=github))
    ann = await signed_in(world, world.people.ann, PAGE)
    assert (await ann.submit(f"{PAGE}/add", **NAMED)).status_code == 303
    [(_, headers, _)] = github.requests
    assert headers["Authorization"] == "Bearer ghp_of_the_operator"
    assert "ghp_of_the_operator" not in ann.text


async def test_a_renamed_repository_is_listed_under_the_name_that_it_has_now(
    worlds: OpenWorld,
) -> None:
    found = b'{"id":74,"owner":{"id":65},"full_name":"octo/hello"}'
    github = answering(200, found)
    world = await worlds(**SETTINGS, wrap=lambda stores: replace(stores, fetcher=github))
    ann = await signed_in(world, world.people.ann, PAGE)
    await ann.submit(f"{PAGE}/add", **NAMED)
    [added] = await world.registry.tokens.trusted_publishers.of_organization(ACME, by=OPERATOR)
    assert added.repository == "octo/hello"
    assert "octo/hello" in ann.text
