"""The answer cache serves nothing stale and nothing private, and records each cache hit.

One machine caches the answers about public packages while nothing is written. The other tests of
this suite run over such a host, too; these send requests twice on purpose.
"""

import re
import shutil
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from functions.faces import build_app
from functions.http.answer_caching import recognizer
from shared import localhost
from shared.domain.coordinates import Coordinate, Package
from shared.domain.principals import OPERATOR
from shared.domain.visibility import Visibility
from shared.hosting.answer_cache import AnswerCache
from shared.hosting.file_responses import FollowedRedirects
from shared.hosting.host import Host
from shared.hosting.requests import CACHE_POLICY, ASGIApp, Message, Receive, Scope, Send
from shared.hosting.responses import configured_headers
from shared.localhost import MAVEN_PATHS, archive_resolver, build_host
from shared.registry import Registry
from shared.runtime.editions import EVERYTHING
from shared.runtime.lru_cache import LruCache
from shared.services.packages.pull_redirects import SIGNED_LINK_LIFETIME
from shared.telemetry.activities import current_activity
from shared.telemetry.log import configure
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.support.advisories import advisory, affected
from tests.support.archives import bala
from tests.support.documented_packages import documented_bala
from tests.support.documented_packages import published as documented
from tests.support.instances import shared_records_read
from tests.support.logs import logged, logged_by_id
from tests.support.storage import one_machine
from tests.support.world import MAVEN, URL, OpenWorld, Template, World, opened, settings_of

pytestmark = one_machine("only its stores have a data version")

GREET = bala("acme/greet:1.0.0")
V = "v2201-13-0"
FILE = f"{MAVEN}/acme/greet/1.0.0/greet-1.0.0"
LIST = f"{MAVEN}/acme/greet/maven-metadata.xml"
PACKAGE = "/packages/acme/greet"
CLIENT_DOCUMENT = f"{URL}/2.0/docs/acme/client/1.0.0"
GREETED = Coordinate.parse("acme", "greet", "1.0.0")


class OneMachine:
    """The registry as `make run` serves it; counts the requests that the cache does not answer."""

    def __init__(self, registry: Registry) -> None:
        self.asked = 0
        self._host = Host(
            build_app(registry),
            archives=archive_resolver(registry),
            redirects=FollowedRedirects(MAVEN_PATHS, URL),
            headers=configured_headers(URL),
        )
        recognize = recognizer(registry)
        edition = registry.adapters.edition
        self.cache = AnswerCache(self._ask, edition, recognize)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.cache(scope, receive, send)

    async def _ask(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        await self._host(scope, receive, send)


async def published(worlds: OpenWorld, host: Callable[[Registry], ASGIApp]) -> World:
    """Open a registry with a public and a private package."""
    world = await worlds(host=host, trusted_proxies="127.0.0.1")
    await world.push(GREET)
    await world.get(f"{URL}/2.0/docs/acme/greet/1.0.0")  # The first request makes it.
    await world.push(bala("acme/secret:1.0.0", visibility="private"))
    return world


@pytest.fixture(scope="module")
def machines() -> list[OneMachine]:
    return []


@pytest.fixture(scope="module")
async def world(shared_worlds: OpenWorld, machines: list[OneMachine]) -> World:
    """Return a registry with both packages, which no test changes."""

    def host(registry: Registry) -> ASGIApp:
        machines.append(OneMachine(registry))
        return machines[-1]

    return await published(shared_worlds, host)


@pytest.fixture
async def own_world(worlds: OpenWorld) -> World:
    """Return a registry with both packages for one test."""
    return await published(worlds, OneMachine)


@pytest.fixture(scope="module")
async def usual(shared_worlds: OpenWorld) -> World:
    """Return a registry as it is served: the answer cache comes first."""
    world = await shared_worlds()
    await world.push(GREET)
    return world


# What answers that depend only on packages may read: packages, rights, and what never changes once
# it is there, such as the proof that a release is in the log. `directory.get` reads that; an answer
# without a proof is cached only for some seconds.
READ_FOR_PACKAGES = re.compile(
    r"metadata\.(find|survey|by_digest|tool_owners)|directory\.(access_context|get)|documents\..*"
)


class Reads:
    """Notes on what each answer depends, and which calls of stores were made for it."""

    def __init__(self, registry: Registry) -> None:
        self.noted: list[tuple[frozenset[str], set[str]]] = []
        self._host = Host(build_app(registry), archives=archive_resolver(registry))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            activity = current_activity()
            if (policy := message.get(CACHE_POLICY)) and activity is not None:
                self.noted.append((frozenset(policy.packages), set(activity.calls)))
            await send(message)

        await self._host(scope, receive, sending)


PULL = dict(ACCEPT_ARCHIVE)
CHANGES = f"{URL}/index/changes"
CACHEABLE: list[tuple[str, dict[str, str]]] = [
    (LIST, {}),
    (f"{LIST}.sha1", {}),
    (f"{MAVEN}/{V}/acme/greet/maven-metadata.xml", {}),
    (f"{FILE}.bala", {}),
    (f"{FILE}.bala.sha256", {}),
    (f"{FILE}.pom", {}),
    (f"{FILE}-depgraph.json", {}),
    (f"{FILE}-listeners.json", {}),
    (f"{URL}/index/acme/greet/index.json", {}),
    (CHANGES, {}),
    (PACKAGE, {}),
    (f"{PACKAGE}/1.0.0", {}),
    (f"{PACKAGE}/1.0.0", PULL),
    (f"{PACKAGE}/*", PULL),
    (LIST, {"If-None-Match": "*"}),
    (LIST, {"Range": "bytes=1-9"}),
    (f"{FILE}.bala", {"If-None-Match": "*"}),
    (f"{FILE}.bala", {"Range": "bytes=1-9"}),
]
EACH = pytest.mark.parametrize(("path", "headers"), CACHEABLE)


@EACH
async def test_a_repeat_is_the_first_answer_with_another_request_id(
    world: World, machines: list[OneMachine], path: str, headers: dict[str, str]
) -> None:
    first = await world.get(path, headers=headers)
    ids = {first.headers.pop("x-request-id")}
    machines[0].asked = 0
    for query in ("", "?x=1", "?x=2", "?y"):  # No operation reads these keys.
        again = await world.get(path + query, headers=headers)
        ids.add(again.headers.pop("x-request-id"))
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again.headers == first.headers
    assert machines[0].asked == 0
    assert len(ids) == 5


async def test_an_answer_that_depends_only_on_packages_is_made_only_of_packages(
    worlds: OpenWorld,
) -> None:
    hosts = list[Reads]()
    world = await published(worlds, lambda registry: hosts.append(Reads(registry)) or hosts[0])
    documents = [
        (f"{URL}/2.0/docs/acme/greet/1.0.0", {}),
        (f"{URL}/feeds/acme/greet.atom", {}),
        (f"{URL}/feeds/registry.atom", {}),
    ]
    await shared_records_read(world.registry)
    hosts[0].noted.clear()
    for path, headers in [*CACHEABLE, *documents]:
        await world.get(path, headers=headers)
    assert len(hosts[0].noted) == len(CACHEABLE) + len(documents)
    assert {"metadata.find", "metadata.survey"} <= set().union(*(c for _, c in hosts[0].noted))
    for packages, calls in hosts[0].noted:
        if EVERYTHING not in packages:
            assert packages - {"@", "@advisories"} == {"acme/greet"}
            assert [each for each in calls if not READ_FOR_PACKAGES.fullmatch(each)] == []


@EACH
async def test_pages_of_other_sites_may_read_what_was_given_to_others_before(
    usual: World, path: str, headers: dict[str, str]
) -> None:
    from_elsewhere = {**headers, "Origin": "https://elsewhere.test"}
    for _ in range(2):
        await usual.get(path, headers=headers)
        answer = await usual.get(path, headers=from_elsewhere)
        assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    "credentials",
    [
        "Bearer ballroom_test_0000",
        "Bearer",
        "Basic Og==",
        "Basic !",
        "Digest x",
        "Bearer eyJ.e30.x",
    ],
)
@pytest.mark.parametrize("path", [PACKAGE, LIST, CHANGES, f"{URL}/orgs/acme"])
async def test_what_was_kept_for_others_is_not_repeated_to_credentials_that_are_not_valid(
    world: World, credentials: str, path: str
) -> None:
    headers = {"Authorization": credentials}
    before = await world.get(path, headers=headers)
    for by in (world.people.ann, world.people.mia):
        for _ in range(2):
            await world.get(path, by=by)
    after = await world.get(path, headers=headers)
    assert after.status_code == before.status_code
    assert after.status_code == 401 or after.content == before.content


async def test_no_answer_to_empty_credentials_is_repeated_to_a_member(own_world: World) -> None:
    page = f"{URL}/orgs/acme"
    ann = own_world.people.ann
    expected = (await own_world.get(page, by=ann)).text
    await own_world.get(page, headers={"Authorization": "Basic Og=="})
    assert "secret" in expected
    assert "secret" in (await own_world.get(page, by=ann)).text


async def test_a_token_that_is_revoked_gets_no_repeat(own_world: World) -> None:
    world = own_world
    ann = own_world.people.ann
    for _ in range(2):
        assert (await world.get(PACKAGE, by=ann)).status_code == 200
    tokens = (await world.get(f"{URL}/api/v1/tokens", by=ann)).json()["tokens"]
    for token in tokens:
        await world.send("DELETE", f"{URL}/api/v1/tokens/{token['id']}", by=ann)
    assert (await world.get(PACKAGE, by=ann)).status_code == 401


async def test_a_repeat_is_counted_and_logged_for_its_token(own_world: World) -> None:
    pull = {**PULL, "X-Forwarded-For": "192.0.2.1"}
    for person in (own_world.people.ann, own_world.people.mia):
        for _ in range(3):
            await own_world.get(f"{PACKAGE}/1.0.0", headers=pull, by=person)
    assert await own_world.registry.packages.pull_counter.flush() == 2


@pytest.mark.parametrize(
    "path",
    [
        f"{MAVEN}/acme/secret/maven-metadata.xml",
        f"{MAVEN}/acme/secret/1.0.0/secret-1.0.0.bala",
        f"{MAVEN}/{V}/acme/absent/maven-metadata.xml",
        f"{MAVEN}/{V}/other/absent/maven-metadata.xml",
        f"{MAVEN}/{V}/__packagesearch__/Z3JlZXQ/maven-metadata.xml",
        f"{URL}/index/acme/secret/index.json",
        "/packages/acme/secret",
        "/packages?q=greet",
        "/packages/acme/greet/9.9.9",
        CHANGES,
    ],
)
async def test_lists_for_accounts_and_private_missing_and_search_answers_are_never_repeated(
    world: World, machines: list[OneMachine], path: str
) -> None:
    for _ in range(2):
        machines[0].asked = 0
        await world.get(path, by=world.people.mia if path == CHANGES else None)
        assert machines[0].asked == 1


SECRET = "/packages/acme/secret"
OF_MEMBERS: list[tuple[str, dict[str, str]]] = [
    (SECRET, {}),
    (f"{SECRET}/1.0.0", {}),
    (f"{SECRET}/1.0.0", PULL),
    (f"{SECRET}/1.0.0", {"X-Forwarded-For": "192.0.2.1"}),
    (f"{MAVEN}/acme/secret/maven-metadata.xml", {}),
    (f"{URL}/index/acme/secret/index.json", {}),
]


@pytest.mark.parametrize(
    ("path", "headers"), [*(each for each in CACHEABLE if each[0] != CHANGES), *OF_MEMBERS]
)
async def test_answers_about_packages_are_repeated_to_every_reader(
    world: World, machines: list[OneMachine], path: str, headers: dict[str, str]
) -> None:
    people = [world.people.ann, world.people.mia]
    people += [] if "secret" in path else [world.people.bob]
    first = [await world.get(path, headers=headers, by=each) for each in people for _ in range(2)]
    machines[0].asked = 0
    again = [await world.get(path, headers=headers, by=each) for each in people]
    assert machines[0].asked == 0
    for each in again:
        assert (each.status_code, each.content) == (first[0].status_code, first[0].content)


@pytest.mark.parametrize(("path", "headers"), OF_MEMBERS)
async def test_answers_about_private_packages_are_never_repeated_to_others(
    world: World, machines: list[OneMachine], path: str, headers: dict[str, str]
) -> None:
    missing = path.replace("secret", "absent")
    for _ in range(3):
        await world.get(path, headers=headers, by=world.people.ann)
        for by in (world.people.bob, None):
            machines[0].asked = 0
            hidden = await world.get(path, headers=headers, by=by)
            absent = await world.get(missing, headers=headers, by=by)
            assert machines[0].asked == 2
            assert hidden.status_code == absent.status_code
            assert hidden.status_code in (401, 404)


async def test_hidden_and_missing_packages_are_looked_up_in_the_same_places(
    world: World, machines: list[OneMachine], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up = list[str]()
    get = LruCache[Any, Any].get

    def noting(cache: LruCache[Any, Any], key: Any) -> Any:
        if cache is machines[0].cache._answers:
            looked_up.append(str(key).replace("secret", "absent"))
        return get(cache, key)

    for _ in range(2):
        await world.get(SECRET, by=world.people.ann)
        await world.get(SECRET, by=world.people.bob)
    monkeypatch.setattr(LruCache, "get", noting)
    seen = list[list[str]]()
    for path in (SECRET, SECRET.replace("secret", "absent")):
        looked_up.clear()
        await world.get(path, by=world.people.bob)
        seen.append(list(looked_up))
    assert seen[0] == seen[1]
    assert seen[0]


async def test_pushes_and_pulls_end_no_repeat_to_the_readers_of_private_packages(
    worlds: OpenWorld,
) -> None:
    hosts = list[OneMachine]()
    world = await published(worlds, lambda registry: hosts.append(OneMachine(registry)) or hosts[0])
    mia = world.people.mia
    for _ in range(2):
        await world.get(SECRET, by=mia)
    await world.push(bala("acme/greet:1.1.0"))
    await world.get(f"{PACKAGE}/1.1.0", headers=PULL, by=mia)
    await world.registry.packages.pull_counter.flush()
    hosts[0].asked = 0
    assert (await world.get(SECRET, by=mia)).status_code == 200
    assert hosts[0].asked == 0


async def test_a_member_whose_account_is_locked_gets_no_repeat(own_world: World) -> None:
    world = own_world
    mia = own_world.people.mia
    for _ in range(2):
        assert (await world.get(SECRET, by=mia)).status_code == 200
    async with another_process(world) as other:
        await other.registry.administration.accounts.lock(mia.account, "Left.", by=OPERATOR)
        assert "is not valid" in (await world.get(SECRET, by=mia)).text


async def test_a_member_who_leaves_gets_no_repeat(own_world: World) -> None:
    world = own_world
    mia = own_world.people.mia
    for _ in range(3):
        assert (await world.get(SECRET, by=mia)).status_code == 200
    org = f"{URL}/api/v1/orgs/acme/members"
    members = (await world.get(org, by=world.people.ann)).json()["members"]
    [of_mia] = [each for each in members if each["name"] == "mia"]
    await world.send("DELETE", f"{org}/{of_mia['id']}", by=mia)
    assert (await world.get(SECRET, by=mia)).status_code == 404


async def test_a_package_that_becomes_private_is_not_repeated_to_others(own_world: World) -> None:
    world = own_world
    bob = own_world.people.bob
    for _ in range(3):
        assert (await world.get(PACKAGE, by=bob)).status_code == 200
    package = Package.parse("acme", "greet")
    await world.registry.packages.visibility.change(
        package, Visibility.PRIVATE, by=OPERATOR, reason="It was decided."
    )
    assert (await world.get(PACKAGE, by=bob)).status_code == 404
    assert (await world.get(PACKAGE)).status_code in (401, 404)


@pytest.mark.parametrize("path", [f"{URL}/index/acme/greet/index.json", f"{PACKAGE}/1.0.0"])
async def test_an_advisory_of_another_process_ends_repeats_at_once(
    own_world: World, path: str
) -> None:
    world = own_world
    for _ in range(3):
        assert "advisories" not in (await world.get(path)).text
    async with another_process(world) as other:
        advisories = other.registry.advisories.advisories
        ann = other.fresh(other.people.ann)
        new = advisory(affected("acme/greet", "introduced 0"), org="acme")
        added = await advisories.store(new, ann)
        assert f'"advisories":["{added.id}"]' in (await world.get(path)).text.replace(" ", "")
        await advisories.withdraw(added.id, ann)
    assert "advisories" not in (await world.get(path)).text


async def test_a_signed_link_is_repeated_for_a_sixth_of_its_life(own_world: World) -> None:
    world = own_world
    ann = own_world.people.ann
    path = f"{SECRET}/1.0.0"

    async def links() -> list[str]:
        answers = [await world.get(path, headers=PULL, by=ann) for _ in range(3)]
        return [each.headers["location"] for each in answers]

    await world.get(path, by=ann)  # Ann is known from here on.
    [first, *again] = await links()
    assert again == [first, first]
    world.clock.advance(SIGNED_LINK_LIFETIME / 6)
    assert first not in await links()
    assert (await world.get(first)).status_code == 200


async def test_a_push_is_seen_at_once(own_world: World) -> None:
    paths = (LIST, f"{MAVEN}/{V}/acme/greet/maven-metadata.xml", PACKAGE)
    paths += (f"{URL}/index/acme/greet/index.json", f"{URL}/index/changes")
    for path in paths:
        await own_world.get(path)
    await own_world.push(bala("acme/greet:1.1.0"))
    for path in paths:
        assert "1.1.0" in (await own_world.get(path)).text, path


async def test_fields_of_another_package_are_shown_once_that_is_documented(
    own_world: World,
) -> None:
    common = documented_bala(
        "acme/common:1.0.0", {"common.bal": "public type Common record {| int timeout; |};"}
    )
    settings = "import acme/common;\npublic type Settings record {| *common:Common; |};"
    depends = ["acme/common:1.0.0"]
    client = documented_bala("acme/client:1.0.0", {"client.bal": settings}, dependencies=depends)
    own_world.documents_when_read = False
    await documented(own_world, client)
    await own_world.push(common)
    for _ in range(2):
        assert "timeout" not in (await own_world.get(CLIENT_DOCUMENT)).text
    await own_world.document()
    await own_world.get(CLIENT_DOCUMENT)  # It asks for the documentation to be made again.
    await own_world.document()
    assert "timeout" in (await own_world.get(CLIENT_DOCUMENT)).text


async def test_a_deprecation_is_seen_at_once(own_world: World) -> None:
    for _ in range(2):
        assert "isdeprecated" not in (await own_world.get(f"{PACKAGE}/1.0.0", headers=PULL)).headers
    await own_world.java(own_world.people.ann).deprecate("acme/greet:1.0.0", "Old.")
    assert (await own_world.get(f"{PACKAGE}/1.0.0", headers=PULL)).headers[
        "deprecatemessage"
    ] == "Old."
    assert '"Old."' in (await own_world.get(f"{FILE}-depgraph.json")).text


@asynccontextmanager
async def another_process(world: World) -> AsyncGenerator[World]:
    """Open the data folder of a world a second time."""
    async with opened(world.registry.settings.data, world.people) as second:
        yield second


@pytest.mark.parametrize("path", [f"{FILE}.bala", f"{FILE}.pom", f"{PACKAGE}/1.0.0"])
async def test_a_release_that_another_process_withdraws_is_404_at_once(
    own_world: World, path: str
) -> None:
    for _ in range(2):
        assert (await own_world.get(path)).status_code == 200
    async with another_process(own_world) as other:
        moderation = other.registry.publishing.moderation
        await moderation.quarantine(GREETED, "Looked at.", by=OPERATOR)
        assert (await own_world.get(path)).status_code in (401, 404)
        await moderation.restore(GREETED, by=OPERATOR)
    assert (await own_world.get(path)).status_code == 200


@pytest.mark.parametrize(
    "path",
    [LIST, f"{MAVEN}/{V}/acme/greet/maven-metadata.xml", f"{URL}/index/acme/greet/index.json"],
)
async def test_a_withdrawn_release_is_not_confirmed_from_memory(
    own_world: World, path: str
) -> None:
    had = {"If-None-Match": (await own_world.get(path)).headers["etag"]}
    async with another_process(own_world) as other:
        await other.registry.publishing.moderation.quarantine(GREETED, "Looked at.", by=OPERATOR)
        assert (await own_world.get(path, headers=had)).status_code != 304


@pytest.mark.parametrize(
    ("path", "headers"), [(f"{FILE}.bala", {}), (f"{PACKAGE}/1.0.0", PULL), (f"{PACKAGE}/*", PULL)]
)
async def test_each_caller_is_counted_once(
    own_world: World, path: str, headers: dict[str, str]
) -> None:
    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.3", "192.0.2.2"):
        await own_world.get(path, headers={**headers, "X-Forwarded-For": address})
    assert await own_world.registry.packages.pull_counter.flush() == 3


async def test_clients_that_opt_out_are_not_counted(own_world: World) -> None:
    headers = {**PULL, "ballerina-central-telemetry-disabled": "true"}
    for _ in range(3):
        await own_world.get(f"{PACKAGE}/1.0.0", headers=headers)
        await own_world.send("HEAD", f"{FILE}.bala")
    assert await own_world.registry.packages.pull_counter.flush() == 0


async def test_each_request_leaves_a_line(
    own_world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    logged(capfd)  # Writes the lines of earlier requests.
    configure("info")
    answers = [await own_world.get(path) for path in (LIST, LIST, f"{FILE}.bala", f"{FILE}.bala")]
    noted = logged_by_id(capfd)
    for answer in answers:
        assert noted[answer.headers["x-request-id"]]["principal"] == ""
    # A cached redirect and its archive are one request.
    operations = [line["operation"] for line in noted.values()]
    assert operations == ["maven_read"] * 3 + ["archive_stream", "maven_read"]


async def test_the_line_of_a_streamed_archive_has_the_status_that_was_sent(
    own_world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    first = await own_world.get(f"{PACKAGE}/1.0.0", headers=PULL)
    archive = first.headers["location"]
    etag = (await own_world.get(archive)).headers["etag"]
    logged(capfd)  # Writes the lines of earlier requests.
    configure("info")
    conditions = [
        {"If-None-Match": etag},
        {"If-None-Match": etag},  # From the answer cache.
        {"Range": "bytes=0-3"},
        {"Range": "bytes=999999999-"},
        {"If-Match": '"other"'},
    ]
    answers = [await own_world.get(archive, headers=each) for each in conditions]
    assert [each.status_code for each in answers] == [304, 304, 206, 416, 412]
    noted = logged_by_id(capfd)
    for answer in answers:
        assert noted[answer.headers["x-request-id"]]["status"] == answer.status_code
    assert sorted(line["status"] for line in noted.values()) == [206, 304, 304, 412, 416]


async def test_repeats_count_against_the_rate_limit(worlds: OpenWorld) -> None:
    world = await worlds(limit_read="address=6", trusted_proxies="127.0.0.1")
    await world.push(GREET)
    answers = [await world.get(LIST, headers={"X-Forwarded-For": "192.0.2.1"}) for _ in range(8)]
    assert [answer.status_code for answer in answers] == [200] * 6 + [429] * 2
    left = [answer.headers.get("ratelimit-remaining") for answer in answers]
    assert left == [None, None, None, "2", "1", "0", "0", "0"]
    other = await world.get(LIST, headers={"X-Forwarded-For": "192.0.2.2"})
    assert (other.status_code, "ratelimit-remaining" in other.headers) == (200, False)


@pytest.mark.parametrize("is_on", [True, False])
async def test_the_memory_of_answers_can_be_switched_off(
    template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_on: bool
) -> None:
    shutil.copytree(template.folder, tmp_path / "data")
    made = list[dict[str, Any]]()
    monkeypatch.setattr(localhost, "Host", lambda *_, **options: made.append(options))
    build_host(settings_of(tmp_path / "data", answer_memory=is_on))
    [options] = made
    assert (options["answer_cache"] is not None) is is_on
    for close in options["on_stop"]:
        await close()
