"""Internal packages: what the upstream gives only for a token, and what everybody else gets."""

import hashlib
from datetime import timedelta

import httpx
import pytest
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from shared.adapters.http_fetcher import GuardedFetcher
from shared.auth.secrets import Secret
from shared.domain.coordinates import Coordinate, Package
from shared.domain.names import parse_org
from shared.domain.packages import Head
from shared.domain.principals import OPERATOR
from shared.domain.visibility import Visibility
from tests.protocol.web.page_reader import main_of
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.mirrors import (
    PULL,
    connecting,
    drained,
    events_of,
    release_of,
    resolved,
    services,
    status,
)
from tests.support.refusals import raises_refusal
from tests.support.upstreams import BASE as UPSTREAM_BASE
from tests.support.upstreams import FakeUpstream
from tests.support.world import BASE, MAVEN, URL, OpenWorld, World, limited

pytestmark = pytest.mark.measured

SECRET = "/packages/partner/secret"
MISSING = "/packages/partner/absent"


@pytest.fixture
def partner(upstream: FakeUpstream) -> FakeUpstream:
    """Return an upstream with a private package, and a public one of the same organization."""
    upstream.publish("partner/open:1.0.0", keywords=["sesame"])
    for version in ("1.0.0", "1.1.0"):
        upstream.publish(
            f"partner/secret:{version}",
            tools=["whisper"],
            keywords=["sesame"],
            dependencies=["partner/open:1.0.0"],
            visibility="private",
        )
    upstream.private.add("partner/secret")
    return upstream


@pytest.fixture
async def mirror(worlds: OpenWorld, partner: FakeUpstream) -> World:
    """Return a registry that mirrors it with a token."""
    return await worlds(upstream=partner.url, upstream_token=partner.token)


@pytest.fixture
async def stored(mirror: World) -> World:
    """Return it with one version of each package stored."""
    assert (await pulled(mirror)).status_code == 302
    answer = await mirror.get("/packages/partner/open/1.0.0", headers=PULL)
    assert answer.status_code == 302
    return mirror


async def pulled(mirror: World, path: str = f"{SECRET}/1.0.0") -> httpx.Response:
    """Pull as a member of another organization."""
    return await mirror.get(path, headers=PULL, by=mirror.people.bob)


async def head_of(world: World, name: str = "secret") -> Head:
    head = await world.stores.metadata.head(Package.parse("partner", name))
    assert head is not None
    return head


async def test_a_caller_without_credentials_never_uses_the_token(
    mirror: World, partner: FakeUpstream
) -> None:
    for path in (SECRET, f"{SECRET}/1.0.0", f"{SECRET}/*", "/tools/whisper"):
        for headers in (PULL, {}):
            assert (await mirror.get(path, headers=headers)).status_code == 404
    wanted = ("partner/secret", "partner/open")
    assert await resolved(mirror, *wanted) == ["partner/open:1.0.0"]
    assert partner.total > 0
    assert not partner.asked_with_token
    found = await resolved(mirror, *wanted, by=mirror.people.bob)
    assert found == ["partner/secret:1.1.0", "partner/open:1.0.0"]
    assert await resolved(mirror, *wanted) == ["partner/open:1.0.0"]


@pytest.mark.parametrize("client", ["java", "go"])
async def test_any_account_pulls_it_and_gets_the_same_bytes(
    mirror: World, partner: FakeUpstream, client: str
) -> None:
    bal = getattr(mirror, client)(mirror.people.bob)
    for wanted in ("partner/secret:1.0.0", "partner/secret:*"):
        assert (await bal.pull(wanted)).content in partner.archives.values()
    assert (await head_of(mirror)).visibility is Visibility.INTERNAL


async def test_a_token_with_read_for_one_organization_is_enough_and_one_without_is_not(
    mirror: World, partner: FakeUpstream
) -> None:
    pushing = await limited(mirror, mirror.people.ann, "push-version", org="acme")
    assert (await mirror.get(f"{SECRET}/1.0.0", headers=PULL, by=pushing)).status_code == 404
    assert not partner.asked_with_token
    reading = await limited(mirror, mirror.people.ann, "read", org="acme")
    assert (await mirror.get(f"{SECRET}/1.0.0", headers=PULL, by=reading)).status_code == 302
    assert (await mirror.get(f"{SECRET}/1.0.0", headers=PULL, by=pushing)).status_code == 404


async def test_answers_to_readers_are_for_no_shared_cache(stored: World) -> None:
    paths = (
        *(f"{BASE}{SECRET}{each}" for each in ("", "/1.0.0", "/1.1.0")),
        f"{URL}/index/partner/secret/index.json",
        f"{MAVEN}/partner/secret/maven-metadata.xml",
        f"{URL}/packages/partner/secret/1.0.0",
    )
    for path in paths:
        answer = await stored.get(path, by=stored.people.bob)
        assert answer.status_code == 200, path
        assert not answer.headers.get("cache-control", "").startswith(("public", "no-cache")), path
        for _ in stored.instances:
            assert (await stored.get(path)).status_code in (401, 404), path


async def test_its_link_is_signed_and_its_address_takes_a_token(stored: World) -> None:
    link = (await pulled(stored)).headers["location"]
    assert "/public/" not in link
    archive = (await stored.get(link)).content
    path = f"{BASE}{SECRET}/1.0.0"
    model = (await stored.get(path, by=stored.people.bob)).json()
    assert model["visibility"] == "private"
    assert model["digest"] == f"sha-256={hashlib.sha256(archive).hexdigest()}"
    address = model["balaURL"]
    assert "/archives/private/" in address
    assert (await stored.get(address)).status_code == 404
    assert (await stored.get(address, by=stored.people.bob)).content == archive


async def test_pages_say_that_it_is_internal(stored: World) -> None:
    page = await stored.get(f"{URL}/packages/partner/secret/1.0.0", by=stored.people.bob)
    assert "Internal" in page.text
    assert "staff of this registry" in page.text
    assert "Only members of" not in page.text
    assert (await stored.get(f"{URL}/packages/partner/secret/1.0.0")).status_code == 404


async def test_no_export_has_it(stored: World) -> None:
    await stored.push(bala("acme/greet:1.0.0"))
    files = stored.registry.packages.index.public_files()
    paths = [path async for batch in files for path, _ in batch]
    assert any("greet" in each for each in paths)
    assert not [each for each in paths if "secret" in each]


async def test_lists_of_what_is_not_stored_are_complete_for_accounts_alone(mirror: World) -> None:
    lists = (f"{URL}/index/partner/secret/index.json", f"{MAVEN}/partner/secret/maven-metadata.xml")
    for by in (None, mirror.people.bob, None):
        for path in lists:
            for _ in mirror.instances:
                answer = await mirror.get(path, by=by)
                assert answer.status_code == (200 if by else 404)
                assert ("1.0.0" in answer.text, "1.1.0" in answer.text) == (bool(by), bool(by))


async def test_a_refused_release_is_missing_for_callers_without_credentials(
    mirror: World, partner: FakeUpstream
) -> None:
    partner.archives["partner/secret:1.1.0"] = b"no archive"
    path = f"{SECRET}/1.1.0"
    refused = await pulled(mirror, path)
    assert "is not served here" in refused.text
    for headers in (PULL, {}):
        hidden = await mirror.get(path, headers=headers)
        missing = await mirror.get(path.replace("secret", "absent"), headers=headers)
        assert hidden.status_code == 404
        assert hidden.text == missing.text.replace("absent", "secret")


async def test_a_withheld_release_is_missing_for_everybody(
    stored: World, partner: FakeUpstream
) -> None:
    at = Coordinate.parse("partner", "secret", "1.0.0")
    await stored.registry.publishing.moderation.quarantine(at, "malware", by=OPERATOR)
    partner.private.clear()
    stored.clock.advance(timedelta(minutes=10))
    for by in (None, stored.people.bob):
        for headers in (PULL, {}):
            answer = await stored.get(f"{SECRET}/1.0.0", headers=headers, by=by)
            assert answer.status_code == 404


async def test_it_becomes_public_when_the_upstream_gives_it_to_everybody(
    stored: World, partner: FakeUpstream
) -> None:
    partner.private.clear()
    stored.clock.advance(timedelta(minutes=10))
    assert (await stored.get(f"{SECRET}/1.0.0", headers=PULL)).status_code == 302
    assert (await head_of(stored)).visibility is Visibility.PUBLIC
    assert "secret" in (await stored.get(f"{URL}/index/changes")).text
    found = await stored.get("/packages?q=sesame&deprecated=true")
    assert found.json()["count"] == 2


async def test_it_becomes_internal_when_the_upstream_takes_it_back(
    stored: World, partner: FakeUpstream
) -> None:
    partner.private.add("partner/open")
    stored.clock.advance(timedelta(minutes=10))
    assert await status(stored, "/packages/partner/open/1.0.0", pull=False) == 200
    await drained(stored)
    assert (await head_of(stored, "open")).visibility is Visibility.INTERNAL
    [event] = await events_of(stored, "package.internal")
    assert (event.subject, event.actor) == ("partner/open", "mirror")
    stored.clock.advance(timedelta(seconds=5))
    assert await status(stored, "/packages/partner/open/1.0.0", pull=False) == 404
    kept = await stored.get("/packages/partner/open/1.0.0", by=stored.people.bob)
    assert kept.status_code == 200
    assert "removedDate" not in kept.json()["upstream"]


async def test_a_new_release_of_what_became_private_is_never_public(
    stored: World, partner: FakeUpstream
) -> None:
    partner.private.add("partner/open")
    partner.publish("partner/open:2.0.0")
    stored.clock.advance(timedelta(minutes=10))
    answer = await pulled(stored, "/packages/partner/open/2.0.0")
    assert answer.status_code == 302
    assert (await head_of(stored, "open")).visibility is Visibility.INTERNAL
    assert (await stored.get("/packages/partner/open/2.0.0", headers=PULL)).status_code == 404


async def test_a_new_release_that_was_missing_a_moment_ago_does_not_make_its_package_internal(
    stored: World, partner: FakeUpstream
) -> None:
    path = "/packages/partner/open/3.0.0"
    assert (await stored.get(path, headers=PULL)).status_code == 404
    partner.publish("partner/open:3.0.0")
    assert (await pulled(stored, path)).status_code == 302
    assert (await head_of(stored, "open")).visibility is Visibility.PUBLIC


async def test_a_refused_token_leaves_everything_else_as_it_is(
    stored: World, partner: FakeUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    sent = partner.token
    partner.token = "another-token"
    admin = await signed_in(stored, stored.people.admin)
    stored.clock.advance(timedelta(minutes=10))
    for _ in range(7):
        answer = await pulled(stored, f"{SECRET}/1.1.0")
        assert answer.status_code == 503
        assert sent not in answer.text
    assert (await pulled(stored)).status_code == 302  # It is stored.
    partner.publish("ballerina/new:1.0.0")
    fresh = await stored.get("/packages/ballerina/new/1.0.0", headers=PULL)
    assert fresh.status_code == 302
    assert (await stored.get(f"{SECRET}/1.1.0", headers=PULL)).status_code == 404
    source, _ = (await services(stored).states())[0]
    assert await source.failure() is None
    assert source.with_token is not None
    token_problem = str(await source.with_token.failure())
    assert "401" in token_problem
    assert "BALLROOM_UPSTREAM_TOKEN" in token_problem
    assert sent not in caplog.text
    for _ in stored.instances:
        await admin.open("/manage/mirror")
        assert sent not in main_of(admin.page)


async def test_a_token_that_is_refused_for_some_packages_is_used_for_others(
    mirror: World, partner: FakeUpstream
) -> None:
    async def refused(request: Request) -> Response | None:
        is_other = request.path_params["name"] != "secret"
        is_refused = is_other and "authorization" in request.headers
        return Response("no", 403) if is_refused else None

    partner.behave["versions"] = refused
    for number in range(7):
        await mirror.get(f"/packages/partner/word{number}", by=mirror.people.bob)
    answer = await mirror.get(SECRET, by=mirror.people.bob)
    assert (answer.status_code, answer.json()) == (200, ["1.1.0", "1.0.0"])


async def test_the_page_of_the_mirror_says_how_the_token_is_answered(
    stored: World, partner: FakeUpstream
) -> None:
    admin = await signed_in(stored, stored.people.admin)
    for state in ("Token: accepted", "does not accept the token (the answer was 401)"):
        for number in range(8):  # Each address goes to one instance, which has its own state.
            await stored.get(f"{SECRET}/1.1.0?{number}", by=stored.people.bob)
        await admin.open("/manage/mirror")
        assert state in main_of(admin.page)
        partner.token = "another-token"
        stored.clock.advance(timedelta(hours=2))


async def test_a_redirect_to_another_host_carries_no_token(
    worlds: OpenWorld, partner: FakeUpstream
) -> None:
    other = FakeUpstream()
    other.archives = partner.archives
    with other.serving():
        at = "partner/secret:1.0.0"

        async def elsewhere(request: Request) -> Response | None:
            if "authorization" not in request.headers:
                return None
            place = f"{other.url}{UPSTREAM_BASE}/file/1.0.0/partner-secret-any-1.0.0.bala"
            location = f"{place}?of={at.replace('/', '%2F')}"
            return RedirectResponse(location, 302, {"digest": partner.digest(at)})

        partner.behave["pull"] = elsewhere
        both = GuardedFetcher([partner.name, other.name])
        wrap = connecting(partner.url, archives=both, token=Secret(partner.token))
        mirror = await worlds(upstream=partner.url, upstream_token=partner.token, wrap=wrap)
        assert (await pulled(mirror)).status_code == 302
    assert partner.asked_with_token["pull"] == 1
    assert other.asked == {"file": 1}
    assert not other.asked_with_token


async def test_the_second_hop_has_no_token(mirror: World, partner: FakeUpstream) -> None:
    assert (await pulled(mirror)).status_code == 302
    assert partner.asked["file"] == 1
    assert partner.asked_with_token["file"] == 0


async def test_the_token_is_only_for_the_registry_that_it_names(
    worlds: OpenWorld, partner: FakeUpstream
) -> None:
    other = FakeUpstream()
    other.publish("elsewhere/thing:1.0.0")
    with other.serving():
        upstreams = f"{other.url},{partner.url}"
        named = f"{partner.name}={partner.token}"
        mirror = await worlds(upstream=upstreams, upstream_token=named)
        assert (await pulled(mirror)).status_code == 302
        await pulled(mirror, "/packages/elsewhere/thing/1.0.0")
    assert partner.asked_with_token
    assert other.asked
    assert not other.asked_with_token


async def test_nobody_changes_the_visibility_of_an_internal_package(
    mirror: World, partner: FakeUpstream
) -> None:
    await mirror.create_organization("partner")
    await services(mirror).moves.move(parse_org("partner"), partner.name, "It was decided.")
    mirror.clock.advance(timedelta(seconds=10))
    assert (await pulled(mirror)).status_code == 302
    change = mirror.registry.packages.visibility.change
    assert (await pulled(mirror, "/packages/partner/open/1.0.0")).status_code == 302
    for name, wanted in (("secret", Visibility.PUBLIC), ("open", Visibility.INTERNAL)):
        with raises_refusal("visibility-of-upstream", match=f"decides whether partner/{name} is"):
            await change(Package.parse("partner", name), wanted, by=OPERATOR)


async def test_nothing_is_stored_if_nobody_knows_whether_it_is_public(
    mirror: World, partner: FakeUpstream
) -> None:
    async def broken_later(request: Request) -> Response | None:
        is_late = "authorization" not in request.headers and partner.asked["package"] > 1
        return Response("broken", 500) if is_late else None

    partner.behave["package"] = broken_later
    assert (await pulled(mirror)).status_code == 503
    assert await mirror.stores.metadata.head(Package.parse("partner", "secret")) is None


async def test_a_visibility_is_followed_once_and_never_that_of_nothing(stored: World) -> None:
    releases = services(stored).admission.releases
    stale = await head_of(stored)
    for _ in range(2):
        await releases.follow_visibility(stale, Visibility.PUBLIC)
    after = await head_of(stored)
    assert (after.visibility, after.revision) == (Visibility.PUBLIC, stale.revision + 1)
    await releases.follow_visibility_of(Package.parse("partner", "absent"), Visibility.PUBLIC)


@pytest.mark.parametrize("has_token", [True, False])
async def test_an_internal_release_that_the_upstream_removed_is_marked_with_its_token(
    stored: World, partner: FakeUpstream, has_token: bool
) -> None:
    """Without its token nothing tells a release that was removed from one that is private."""
    del partner.archives["partner/secret:1.0.0"]
    stored.clock.advance(timedelta(minutes=10))
    release = await release_of(stored, "partner/secret:1.0.0")
    refreshing = services(stored).refreshing
    if not has_token:
        sources = refreshing.reader.upstreams._sources
        [address] = sources
        sources[address] = replace(sources[address], with_token=None)
    refreshing.refresh(release)
    await refreshing.drain()
    origin = (await release_of(stored, "partner/secret:1.0.0")).upstream
    assert origin is not None
    assert origin.removed_ms == (stored.clock.now_ms() if has_token else None)
