"""With BALLROOM_READERS=signed_in nobody without credentials learns a name on any route."""

from base64 import urlsafe_b64encode
from urllib.parse import urlencode

import pytest

from functions.faces import operations
from functions.http.operations import Operation
from functions.http.return_paths import return_path
from shared.domain.visibility import Readers
from shared.settings import Settings
from tests.protocol.bal.failures import ClientFailure
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.security.access_table import DECLARED, NOBODYS, Cell, State
from tests.security.personas import PERSONAS
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.world import MAVEN, URL, OpenWorld, World

ANONYMOUS = next(each for each in PERSONAS if each.is_anonymous)
OPERATIONS: dict[str, Operation] = {each.name: each for each in operations(Settings())}
BROWSER = {"Accept": "text/html"}
CLOSED = sorted(
    name for name in DECLARED if not OPERATIONS[name.partition(" ")[0]].serves_anonymous_always
)


@pytest.fixture(scope="module")
async def closed(shared_worlds: OpenWorld) -> World:
    world = await shared_worlds(readers=Readers.SIGNED_IN)
    await world.push(bala("acme/public:1.0.0"))
    return world


@pytest.mark.parametrize("name", CLOSED)
async def test_without_credentials_every_operation_that_is_not_public_asks_for_them(
    closed: World, name: str
) -> None:
    declared = DECLARED[name]
    ids = {"max": NOBODYS, "ann": closed.people.ann.account.id}
    for state in (State.PUBLIC, State.MISSING):
        answer = await closed.http.send(declared.request(Cell(ANONYMOUS, state, 1), ids))
        # Clients of GraphQL read errors from the body of a 200.
        assert answer.status_code == (200 if name == "central_graphql" else 401), answer.text
        if name == "central_graphql":
            assert answer.json()["data"] is None
            assert "Reading this registry requires an access token" in answer.text


def test_only_these_operations_stay_public() -> None:
    assert sorted(name for name, each in OPERATIONS.items() if each.serves_anonymous_always) == [
        "account_following_end",
        "account_following_end_page",
        "account_following_leave",
        "account_following_leave_page",
        "account_invitation",
        "account_invitation_answer",
        "api_keys",
        "api_leaks_report",
        "api_trusted_audience",
        "api_trusted_exchange",
        "archive_bytes",
        "device_api_ask",
        "device_api_token",
        "health_default",
        "health_live",
        "health_ready",
        "log_checkpoint",
        "log_following_checkpoint",
        "log_following_policy",
        "log_policy",
        "login_file",
        "security_txt_file",
        "sign_in_begin_entra",
        "sign_in_begin_github",
        "sign_in_begin_oidc",
        "sign_in_callback",
        "sign_in_link_page",
        "sign_in_link_used",
        "sign_in_out",
        "sign_in_page_shown",
        "static_file",
        "web_audit_file",
        "web_manual",
        "web_opensearch",
        "web_outdated_file",
        "web_publish_file",
        "web_site_icon",
        "web_site_robots",
        "web_verify_file",
        "witness_add",
        "witness_checkpoint",
    ]


async def test_what_was_answered_to_a_reader_is_not_repeated_to_others(closed: World) -> None:
    for path in ("/packages/acme/public", f"{URL}/index/acme/public/index.json"):
        for _ in range(2):
            read = await closed.get(path, by=closed.people.bob)
            assert read.status_code == 200
            assert "no-store" in read.headers["cache-control"]
        assert (await closed.get(path)).status_code == 401


async def test_bal_says_how_to_get_a_token(closed: World) -> None:
    with pytest.raises(ClientFailure, match=r"Reading this registry requires an access token"):
        await closed.java().pull("acme/public:1.0.0")
    await closed.java(closed.people.bob).pull("acme/public:1.0.0")


async def test_maven_is_asked_once_for_credentials(closed: World) -> None:
    answer = await closed.get(f"{MAVEN}/acme/public/maven-metadata.xml")
    assert answer.headers["www-authenticate"] == 'Basic realm="Ballroom"'
    client = closed.maven(closed.people.bob)
    assert await client.pull("acme/public:1.0.0") == bala("acme/public:1.0.0")
    assert [status for _, _, status in client.requests].count(401) == 1


async def test_a_browser_signs_in_and_comes_back(closed: World) -> None:
    answer = await closed.get(f"{URL}/packages/acme/public?tab=x", headers=BROWSER)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?to=%2Fpackages%2Facme%2Fpublic%3Ftab%3Dx"
    browser = await signed_in(closed, closed.people.bob, "/packages/acme/public")
    assert "acme/public" in browser.text


@pytest.mark.parametrize("address", ["/acme/public", "/acme/public/", "/acme/missing"])
async def test_a_browser_at_a_short_address_returns_to_the_page_of_the_package(
    closed: World, address: str
) -> None:
    answer = await closed.http.get(URL + address, headers=BROWSER)
    assert answer.status_code == 303
    page = f"/packages{address.rstrip('/')}"
    assert answer.headers["location"] == f"/sign-in?{urlencode({'to': page})}"
    assert return_path(page) == page


async def test_a_browser_at_a_short_address_of_a_version_returns_to_its_page(closed: World) -> None:
    answer = await closed.http.get(f"{URL}/acme/public/1.0.0", headers=BROWSER)
    assert answer.headers["location"] == "/sign-in?to=%2Fpackages%2Facme%2Fpublic%2F1.0.0"


@pytest.mark.parametrize(
    "address", ["/account@evil.example", "/evil.example/x/y/z", "/acme/..%2fx"]
)
async def test_a_browser_at_another_address_returns_to_no_package(
    closed: World, address: str
) -> None:
    answer = await closed.http.get(URL + address, headers=BROWSER)
    assert "packages" not in answer.headers.get("location", "")


async def test_the_dashboard_that_the_documentation_of_ballerina_names_leads_to_the_tokens(
    closed: World,
) -> None:
    signed_out = await closed.get(f"{URL}/dashboard?tab=token", headers=BROWSER)
    assert signed_out.status_code == 401
    remembered = urlsafe_b64encode(b"/dashboard?tab=token").decode().rstrip("=")
    assert remembered in signed_out.headers["set-cookie"]
    browser = await signed_in(closed, closed.people.bob, "/dashboard?tab=token")
    assert str(browser.page.url) == f"{URL}/account/tokens"


async def test_an_archive_is_for_signed_links_and_readers(closed: World) -> None:
    wanted = dict(ACCEPT_ARCHIVE)
    first = await closed.get("/packages/acme/public/1.0.0", headers=wanted, by=closed.people.bob)
    signed = first.headers["location"]
    assert "/archives/private/" in signed
    sent = await closed.get(signed)
    assert sent.status_code == 200
    assert sent.headers["cache-control"] == "private, no-store"
    unsigned = signed.partition("?")[0]
    for address in (unsigned, unsigned.replace("/private/", "/public/")):
        assert (await closed.get(address)).status_code == 401
    assert (await closed.get(unsigned, by=closed.people.bob)).status_code == 200
