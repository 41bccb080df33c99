"""Store operations of each request; one call of a port is one round trip.

docs/reference/store-operations.md lists the same numbers.
"""

from datetime import timedelta

import pytest

from shared.domain.coordinates import Package
from shared.domain.names import parse_org
from shared.domain.visibility import Visibility
from shared.services.tokens.tokens import OfOrganization, TokenRequest
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.protocol.bal.okhttp import multipart
from tests.support.archives import bala, repacked
from tests.support.browsers import signed_in
from tests.support.documented_packages import documented_bala
from tests.support.instances import edition_confirmed, shared_records_read
from tests.support.port_doubles import CallRecorder
from tests.support.storage import one_instance, one_machine
from tests.support.world import URL, OpenWorld, Person, World, asking

pytestmark = one_instance("it counts calls of one instance")

PULL = dict(ACCEPT_ARCHIVE)
SURVEY = {"metadata.survey": 1}
FIND = {"metadata.find": 1}


@pytest.fixture
async def counted(worlds: OpenWorld, store_calls: CallRecorder) -> World:
    """Return a registry with three versions of a package, whose calls are counted from now on."""
    world = await worlds(wrap=store_calls.wrap, host=asking)
    for version in ("1.0.0", "1.1.0", "2.0.0"):
        await world.push(bala(f"acme/greet:{version}", tools=["greeter"]))
    await world.push(bala("acme/secret:1.0.0", visibility="private"))
    for person in (world.people.ann, world.people.mia, world.people.bob):
        await world.get("/packages", by=person)  # The token is read and remembered.
    await world.registry.identity.authentication.close()
    await edition_confirmed(world.registry)
    await shared_records_read(world.registry)
    store_calls.forget()
    return world


async def asked(
    world: World, store_calls: CallRecorder, path: str, **options: object
) -> dict[str, int]:
    """Return the calls of one request that succeeds."""
    answer = await world.get(path, **options)
    assert answer.status_code in (200, 302), answer.text
    return store_calls.counts()


# --- pulls and reads ---------------------------------------------------------------------------

GREET = "/packages/acme/greet"
INDEX = f"{URL}/index"
RIGHT = {"directory.access_context": 1}
FEED = {"events.since": 1} | SURVEY
# What is asked, with which headers, by whom, and what that costs.
Read = tuple[str, dict[str, str], str, dict[str, int]]
READS: list[Read] = [
    (f"{GREET}/1.0.0", PULL, "", FIND),
    *((f"{GREET}/{each}", PULL, "", SURVEY | FIND) for each in ("*", "1.*", "1.1.*")),
    # Until the release is in the transparency log, its state is read as well.
    (f"{GREET}/1.0.0", {}, "", FIND | {"documents.texts": 1, "directory.get": 1}),
    (GREET, {}, "", SURVEY),
    ("/packages", {}, "", {"search.search": 1}),
    ("/packages/?q=greet", {}, "", {"search.search": 1}),
    ("/packages/acme", {}, "", {"search.search": 1}),
    ("/search-packages?q=greet", {}, "", {"search.search": 1}),
    ("/tools?q=greet", {}, "", {"search.search": 1}),
    ("/packages?user-packages=true", {}, "", {"search.search": 1}),
    ("/search-suggestions?q=gr", {}, "", {"search.suggest": 1}),
    ("/search-symbols?q=x", {}, "", {"search.symbols": 1}),
    # Public packages ask for no right, and private ones read it once.
    (f"{GREET}/1.0.0", PULL, "ann", FIND),
    ("/packages/acme/secret/1.0.0", PULL, "mia", FIND | RIGHT),
    (f"{INDEX}/acme/greet/index.json", {}, "", SURVEY),
    (f"{INDEX}/acme/secret/index.json", {}, "mia", SURVEY | RIGHT),
    (f"{INDEX}/config.json", {}, "", {}),
    # Whether anything is new or not: else the second one would tell of hidden changes.
    (f"{INDEX}/changes", {}, "", FEED),
    (f"{INDEX}/changes?since=1000", {}, "", FEED),
]


@pytest.mark.parametrize("read", READS)
async def test_a_read_makes_exactly_these_store_calls(
    counted: World, store_calls: CallRecorder, read: Read
) -> None:
    path, headers, who, calls = read
    by = getattr(counted.people, who) if who else None
    assert await asked(counted, store_calls, path, headers=headers, by=by) == calls


@one_machine("in the cloud the link leads to the blob itself")
async def test_the_bytes_are_one_trip(counted: World, store_calls: CallRecorder) -> None:
    first = await counted.get("/packages/acme/greet/1.0.0", headers=PULL)
    store_calls.forget()
    calls = await asked(counted, store_calls, first.headers["location"])
    assert calls == {"metadata.by_digest": 1, "archives.read": 1}


@pytest.mark.parametrize("name", ["none", "secret"])
@pytest.mark.parametrize(
    ("path", "calls"),
    [
        ("/packages/acme/{}", SURVEY),
        ("/packages/acme/{}/1.0.0", FIND),
        ("/packages/acme/{}/*", SURVEY),
        (f"{INDEX}/acme/{{}}/index.json", SURVEY),
    ],
)
async def test_a_missing_package_costs_no_more_and_a_hidden_one_the_same(
    counted: World, store_calls: CallRecorder, name: str, path: str, calls: dict[str, int]
) -> None:
    assert (await counted.get(path.format(name))).status_code == 404
    assert store_calls.counts() == calls


# --- API documentation -------------------------------------------------------------------------


@pytest.fixture
async def documented(counted: World, store_calls: CallRecorder) -> World:
    """Return a registry with a package whose API documentation was made."""
    await counted.push(documented_bala("acme/greet:3.0.0"))
    await counted.registry.api_docs.queue.drain()
    store_calls.forget()
    return counted


async def test_a_push_does_not_wait_for_its_documentation(
    counted: World, store_calls: CallRecorder
) -> None:
    await counted.push(documented_bala("acme/greet:3.0.0"))
    assert not [call for call in store_calls.counts() if "api_docs" in call]


async def test_the_documentation_of_a_module_is_read_with_the_index_of_its_small_file(
    documented: World, store_calls: CallRecorder
) -> None:
    calls = await asked(documented, store_calls, f"{URL}/2.0/docs/acme/greet/3.0.0")
    assert calls == SURVEY | {"documents.api_docs_record": 1, "documents.read_pieces": 1}


@pytest.mark.parametrize("path", ["/connectors", "/triggers"])
async def test_lists_of_editors_are_one_search(
    documented: World, store_calls: CallRecorder, path: str
) -> None:
    assert await asked(documented, store_calls, path) == {"search.search": 1}


async def test_a_connector_is_read_with_its_release(
    documented: World, store_calls: CallRecorder
) -> None:
    path = "/connectors/acme/greet/3.0.0/greet/Client"
    assert await asked(documented, store_calls, path) == SURVEY | FIND | {
        "documents.texts": 1,
        "documents.api_docs_record": 2,  # Its pieces, and its clients.
        "documents.read_pieces": 2,
    }


async def test_making_documentation_does_not_grow_with_the_versions(
    counted: World, store_calls: CallRecorder
) -> None:
    queue = counted.registry.api_docs.queue
    await queue.drain()
    await counted.push(documented_bala("acme/greet:3.0.0"))
    store_calls.forget()
    await queue.drain()
    assert store_calls.counts() == {
        "metadata.find": 3,  # And whether it is removed meanwhile, and once for the search.
        # Whether there is any, twice; the version before; for the search, its clients, twice.
        "documents.api_docs_record": 5,
        "documents.read_pieces": 2,  # Of the version before: the index with a module, its history.
        "directory.put": 1,
        "documents.texts": 2,
        "documents.graphs": 1,
        "archives.read": 1,
        "documents.put_api_docs": 1,
        "metadata.survey": 4,
        "search.replace": 1,
    }


# --- resolving ---------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 10, 100])
async def test_any_number_of_packages_is_resolved_in_two_trips(
    counted: World, store_calls: CallRecorder, count: int
) -> None:
    requests = [
        {"org": "acme", "name": "greet" if number % 2 else f"none{number}", "version": ""}
        for number in range(1, count + 1)
    ]
    await counted.java().resolve_dependencies(requests)
    assert store_calls.counts() == SURVEY | {"documents.graphs": 1}


async def test_with_a_token_public_packages_ask_for_no_right_and_others_once_an_organization(
    counted: World, store_calls: CallRecorder
) -> None:
    bob = counted.java(counted.people.bob)
    known = [{"org": "acme", "name": "greet", "version": ""}]
    await bob.resolve_dependencies(known)  # The token is read, and its use is noted.
    await counted.registry.identity.authentication.close()
    store_calls.forget()
    await bob.resolve_dependencies(known)
    assert store_calls.counts() == {"documents.graphs": 1}
    store_calls.forget()
    names = ["secret", *(f"none{number}" for number in range(100))]
    await bob.resolve_dependencies([{"org": "acme", "name": name} for name in names])
    assert store_calls.counts() == SURVEY | {"directory.access_context": 1}


@pytest.mark.parametrize("count", [1, 10, 100])
async def test_any_number_of_modules_is_resolved_in_one_trip(
    counted: World, store_calls: CallRecorder, count: int
) -> None:
    modules = [{"organization": "acme", "moduleName": f"greet.m{i}"} for i in range(count)]
    await counted.java().resolve_modules(modules)
    assert store_calls.counts() == SURVEY


async def test_tools_are_resolved_in_two_trips(counted: World, store_calls: CallRecorder) -> None:
    await counted.java().resolve_tools([{"id": "greeter"}] * 20)
    assert store_calls.counts() == {"metadata.tool_owners": 1} | SURVEY


async def test_what_stands_in_memory_costs_nothing(
    counted: World, store_calls: CallRecorder
) -> None:
    path = f"{INDEX}/acme/greet/index.json"
    known = {"if-none-match": (await counted.get(path)).headers["etag"]}
    store_calls.forget()
    for headers, status in (({}, 200), (known, 304)):
        assert (await counted.get(path, headers=headers)).status_code == status
    assert store_calls.counts() == {}


# --- tokens and rights -------------------------------------------------------------------------


async def test_a_token_adds_itself_and_its_account_at_most_every_three_seconds(
    counted: World, store_calls: CallRecorder
) -> None:
    for seconds, reads in ((3, 2), (2, 2), (1, 4)):
        counted.clock.advance(timedelta(seconds=seconds))
        await counted.get("/packages/acme/greet", by=counted.people.ann)
        assert store_calls.counts()["directory.get"] == reads


async def test_a_token_of_an_organization_adds_itself_and_its_maker(
    counted: World, store_calls: CallRecorder
) -> None:
    ann = counted.people.ann
    wanted = TokenRequest.parse("ci", ["read"], org="acme", package="*", days=None)
    tokens = counted.registry.tokens.access_tokens
    owner = OfOrganization(parse_org("acme"))
    issued = await tokens.issue(owner, wanted, by=counted.fresh(ann))
    token = Person(ann.account, issued.text.reveal())
    store_calls.forget()
    # Who made it is known from the first time, which reads the token before.
    for seconds, reads, makers in ((0, 2, 1), (2, 2, 1), (1, 3, 2), (3, 4, 3)):
        counted.clock.advance(timedelta(seconds=seconds))
        await counted.get("/packages/acme/greet", by=token)
        assert store_calls.counts()["directory.get"] == reads
        assert store_calls.counts()["directory.access_context"] == makers


async def test_the_cost_of_a_members_search_depends_on_the_member_only(
    counted: World, store_calls: CallRecorder
) -> None:
    costs: list[dict[str, int]] = []
    for query in ("secret", "greet", "nothing-at-all"):
        store_calls.forget()
        costs.append(
            await asked(counted, store_calls, f"/packages?q={query}", by=counted.people.mia)
        )
    assert costs[0] == costs[1] == costs[2]


# --- changes -----------------------------------------------------------------------------------


async def push(world: World, coordinate: str, person: Person, **spec: object) -> None:
    """Push without the look-up before it."""
    form = multipart("x.bala", bala(coordinate, **spec))
    assert (await world.upload(form, by=person)).status_code == 204


PUSH = {
    "metadata.find": 1,
    "directory.access_context": 1,
    "archives.put": 1,
    "documents.put": 1,
    "documents.put_attestation": 1,  # At the same time as the archive and its documents.
    "metadata.add_release": 1,
    "metadata.put_entries": 1,
    "search.offer": 1,
    "events.append_outbox": 1,
    "work.count": 1,  # How often, together with asking who may.
}

NAME = {"metadata.claim": 1}
TOOL = {"metadata.tool_owners": 1, "metadata.claim_tool": 1}


NEEDED = [f"ballerina/m{number}:1.0.0" for number in range(20)]


@pytest.mark.parametrize(
    ("coordinate", "spec", "expected"),
    [
        ("acme/greet:3.0.0", {}, PUSH),
        ("acme/new:1.0.0", {}, PUSH | NAME),
        ("acme/greet:3.0.0", {"tools": ["greeter"]}, PUSH | TOOL),
        ("acme/new:1.0.0", {"tools": ["newer"]}, PUSH | NAME | TOOL),
        ("acme/greet:3.0.0", {"dependencies": NEEDED}, PUSH),  # They are not checked.
    ],
)
async def test_a_push_is_ten_operations_and_eleven_at_most_besides_asking_who_may_and_how_often(
    counted: World,
    store_calls: CallRecorder,
    coordinate: str,
    spec: dict[str, object],
    expected: dict[str, int],
) -> None:
    await push(counted, coordinate, counted.people.ann, **spec)
    calls = store_calls.counts()
    assert calls == expected
    assert sum(calls.values()) - calls["directory.access_context"] - calls["work.count"] <= 11


# Rules of acme, beside limits and the search for secrets.
RULES: dict[str, dict[str, object]] = {
    "licenses": {"licenses": ["MIT", "NONE"], "refusedLicenses": ["GPL-3.0-only"]},
    "warn": {"versionRule": "warn"},
    "retention": {"retention": "last 5"},
    "secrets": {"secretsAllowed": ["greet:*.pem"]},
    "approved_only": {"approvedOnly": True},
}


async def rule(world: World, store_calls: CallRecorder, rules: dict[str, object]) -> None:
    """Set rules and limits of acme, and count calls from now on."""
    ann = await signed_in(world, world.people.ann)
    assert (await ann.api("PATCH", "/api/v1/orgs/acme/rules", rules)).status_code == 200
    admin = await signed_in(world, world.people.admin)
    limits = {"maxReleases": 100, "maxBytes": 10**9}
    assert (await admin.api("PATCH", "/api/v1/orgs/acme/quota", limits)).status_code == 200
    await world.registry.identity.account_mail.close()  # About the browsers of both.
    await world.get("/packages", by=world.people.ann)  # Reads her account, which the sign-in wrote.
    await shared_records_read(world.registry)
    store_calls.forget()


@pytest.mark.parametrize("rules", RULES)
async def test_rules_that_a_push_passes_cost_it_nothing(
    counted: World, store_calls: CallRecorder, rules: str
) -> None:
    await rule(counted, store_calls, RULES[rules])
    await push(counted, "acme/greet:3.0.0", counted.people.ann)
    assert store_calls.counts() == PUSH


@pytest.mark.parametrize("effect", ["hold", "refuse"])
async def test_a_rule_about_the_version_costs_what_it_compares_and_the_mail_about_what_is_held(
    counted: World, store_calls: CallRecorder, effect: str
) -> None:
    await rule(counted, store_calls, {"versionRule": effect})
    # Nothing is documented, so there is nothing to compare with, and the release is held.
    form = multipart("x.bala", bala("acme/greet:3.0.0"))
    await counted.upload(form, by=counted.people.ann)
    calls = store_calls.counts()
    # The verdict is stored behind the push, as of every release.
    assert calls.pop("work.put") == 1  # That its mail was sent.
    of_mail = {"directory.list_by_owner", "directory.get", "work.claim", "directory.put"}
    more = {each: count for each, count in calls.items() if each not in of_mail | set(PUSH)}
    assert more == SURVEY | {"documents.api_docs_record": 1}


async def test_writing_the_log_stores_a_proof_for_each_release_and_reads_nothing_for_it(
    counted: World, store_calls: CallRecorder
) -> None:
    write = counted.registry.maintenance.task_runner.tasks["write-log"].run
    await write()
    for minor, releases in enumerate((1, 1, 3)):
        for patch in range(releases):
            await counted.push(bala(f"acme/greet:3.{minor}.{patch}"))
        store_calls.forget()
        await write()
        assert store_calls.counts() == {
            "work.lease": 1,
            "work.end_lease": 1,
            "directory.get": 1,
            "events.leaves": 1,
            "directory.replace": 1,
            "directory.add": 1 + releases,  # The checkpoint, and the proofs.
            "log_files.stage": 1,  # The batch, until its tiles and the checkpoint are public.
            "log_files.write_once": 2,  # A tile of hashes and one of entries.
            "log_files.read": 1,  # The public checkpoint.
            "log_files.publish_checkpoint": 1,
            "log_files.discard": 1,
        }


async def test_a_push_of_no_archive_or_with_a_token_inside_asks_no_store(
    counted: World, store_calls: CallRecorder
) -> None:
    token = counted.people.mia.token
    with_token = bala("acme/greet:3.0.0", entries={"a.env": f"T={token}"})
    for entry, reason in ((b"no archive", "is not a zip archive"), (with_token, "token")):
        store_calls.forget()
        body = multipart("acme-greet-any-3.0.0.bala", entry)
        answer = await counted.upload(body, by=counted.people.ann)
        assert answer.status_code == 400
        assert reason in answer.text
        assert store_calls.counts() == {}


async def test_a_repeated_push_writes_nothing_that_is_there(
    counted: World, store_calls: CallRecorder
) -> None:
    await push(counted, "acme/greet:3.0.0", counted.people.ann)
    store_calls.forget()
    await push(counted, "acme/greet:3.0.0", counted.people.ann)
    written = {"metadata.claim", "archives.put", "documents.put", "metadata.add_release"}
    written |= {"documents.put_attestation"}
    written |= {"work.count"}
    assert not written & set(store_calls.counts())
    assert sum(store_calls.counts().values()) <= 5


async def test_a_push_of_the_same_files_writes_nothing_that_is_there(
    counted: World, store_calls: CallRecorder
) -> None:
    archive = bala("acme/greet:3.0.0")
    await counted.push(archive)
    store_calls.forget()
    await counted.push(repacked(archive))
    calls = store_calls.counts()
    assert calls == FIND | {"directory.access_context": 1, "archives.stat": 1}


async def test_a_push_of_other_files_reads_a_directory_alone(
    counted: World, store_calls: CallRecorder
) -> None:
    archive = bala("acme/greet:3.0.0")
    await counted.push(archive)
    store_calls.forget()
    other = multipart("x.bala", repacked(archive, {"docs/README.md": b"# Other"}))
    assert (await counted.upload(other, by=counted.people.ann)).status_code == 400
    assert store_calls.counts() == FIND | {"directory.access_context": 1, "archives.read": 1}


async def test_a_push_without_a_right_writes_nothing(
    counted: World, store_calls: CallRecorder
) -> None:
    form = multipart("x.bala", bala("acme/greet:3.0.0"))
    somewhere = {"directory.list_by_subject": 1, "directory.get": 1}
    assert (await counted.upload(form, by=counted.people.mia)).status_code == 400
    assert store_calls.counts() == somewhere  # Who may publish nothing has nothing read.
    for more in (somewhere, {}):  # Who may publish elsewhere is asked about once.
        store_calls.forget()
        assert (await counted.upload(form, by=counted.people.bob)).status_code == 400
        assert (
            store_calls.counts() == FIND | {"directory.access_context": 1, "work.count": 1} | more
        )


async def test_an_anonymous_push_asks_no_store(counted: World, store_calls: CallRecorder) -> None:
    assert (await counted.upload(multipart("x.bala", bala("acme/greet:3.0.0")))).status_code == 401
    assert store_calls.counts() == {}


async def test_a_deprecation_does_not_grow_with_the_versions(
    counted: World, store_calls: CallRecorder
) -> None:
    path = "/packages/deprecate/acme/greet/1.0.0"
    answer = await counted.send("PUT", path, by=counted.people.ann, content=b'{"message": "Gone."}')
    assert answer.status_code == 200
    assert store_calls.counts() == {
        "directory.access_context": 1,
        "metadata.find": 3,  # To change it, for the search, and for the answer.
        "metadata.replace_release": 1,
        "metadata.put_entries": 1,
        "metadata.survey": 2,  # And once more after showing: a push may have come in between.
        "documents.texts": 2,
        "documents.api_docs_record": 2,  # For the same reason.
        "search.replace": 1,
        "events.append_outbox": 1,
        "work.count": 1,
    }


@one_machine("in the cloud each archive moves to the other side")
async def test_a_change_of_visibility_does_not_grow_with_the_versions(
    counted: World, store_calls: CallRecorder
) -> None:
    package = Package.parse("acme", "greet")
    by = counted.fresh(counted.people.ann)
    await counted.registry.packages.visibility.change(package, Visibility.PRIVATE, by=by)
    assert store_calls.counts() == {
        "directory.access_context": 1,
        "metadata.head": 1,
        "metadata.replace_head": 1,
        "metadata.survey": 2,  # And once more after showing: a push may have come in between.
        "metadata.find": 1,
        "documents.texts": 1,
        "documents.api_docs_record": 2,  # For the same reason.
        "search.replace": 1,
        "events.since": 1,  # Once in a process: which registry the list of revocations is of.
        "events.append_outbox": 1,
    }
