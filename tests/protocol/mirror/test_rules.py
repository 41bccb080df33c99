"""Rules of the mirror: which upstream a package comes from, and what is denied."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared.auth.authentication import RequestClient
from shared.composition import MirroringServices
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.identity import SignInAgain
from shared.domain.errors.requests import Busy
from shared.domain.identity import ANONYMOUS, OPERATOR, Principal
from shared.domain.mirror_rules import MirrorDraft
from shared.domain.names import ANY_CLIENT, Coordinate, Package, Version, parse_org
from shared.domain.resolve_requests import PackageRequest
from shared.ports import AlreadyThere
from shared.services.mirroring.upstream_reader import Asker
from shared.services.mirroring.upstreams import Upstreams
from tests.protocol.bal.java import ACCEPT_ARCHIVE
from tests.support.event_feed import checked_feed
from tests.support.port_doubles import Fault, failing
from tests.support.upstreams import PUBLISHED_MS, FakeUpstream
from tests.support.world import URL, OpenWorld, World

pytestmark = pytest.mark.measured

PULL = dict(ACCEPT_ARCHIVE)
IO = "/packages/ballerina/io"
DAY = 24 * 3600 * 1000
AS_OF = "* 2023-12-01T00:00:00Z"  # Two weeks after the upstream published everything.
LATER_MS = PUBLISHED_MS + 60 * DAY


def services(mirror: World) -> MirroringServices:
    assert mirror.registry.mirroring is not None
    return mirror.registry.mirroring


async def change(mirror: World, *rules: str, age: str = "", upstreams: str = "") -> None:
    """Store rules as the operator, and wait until all processes follow."""
    changes = services(mirror).rules
    stored = await changes.current(by=OPERATOR)
    given = upstreams.split(",") if upstreams else [each.given for each in stored.upstreams]
    await changes.replace(MirrorDraft.parse(given, rules, age.split(",")), by=OPERATOR)
    mirror.clock.advance(timedelta(seconds=6))


async def status(mirror: World, path: str, *, pull: bool = True) -> int:
    return (await mirror.get(path, headers=PULL if pull else {})).status_code


async def test_a_denied_package_is_not_asked_for_and_not_served(
    mirror: World, upstream: FakeUpstream
) -> None:
    upstream.publish("ballerina/http:1.0.0")
    assert await status(mirror, f"{IO}/1.0.0") == 302
    await change(mirror, "ballerina/io deny")
    asked = upstream.total
    assert await status(mirror, f"{IO}/1.0.0") == 404  # It was stored.
    assert await status(mirror, f"{IO}/1.1.0") == 404
    assert await status(mirror, IO, pull=False) == 404
    for path in ("/index/ballerina/io/index.json", "/packages/ballerina/io"):
        assert (await mirror.get(URL + path)).status_code == 404
    assert upstream.total == asked
    assert await status(mirror, "/packages/ballerina/http/1.0.0") == 302


async def test_a_rule_that_is_taken_back_serves_the_stored_release_again(mirror: World) -> None:
    await mirror.get(f"{IO}/1.0.0", headers=PULL)
    await change(mirror, "ballerina deny")
    assert await status(mirror, f"{IO}/1.0.0") == 404
    await change(mirror)
    assert await status(mirror, f"{IO}/1.0.0") == 302


async def test_what_an_administrator_withheld_stays_withheld(mirror: World) -> None:
    await mirror.get(f"{IO}/1.0.0", headers=PULL)
    moderation = mirror.registry.publishing.moderation
    await moderation.quarantine(
        Coordinate.parse("ballerina", "io", "1.0.0"), "It is harmful.", by=OPERATOR
    )
    await change(mirror, "ballerina deny")
    await change(mirror)
    assert await status(mirror, f"{IO}/1.0.0") == 404


async def test_an_allow_list_serves_nothing_else(mirror: World, upstream: FakeUpstream) -> None:
    upstream.publish("ballerina/http:1.0.0")
    upstream.publish("others/x:1.0.0")
    await change(mirror, "ballerina/io allow", "* deny")
    assert await status(mirror, f"{IO}/1.0.0") == 302
    assert await status(mirror, "/packages/ballerina/http/1.0.0") == 404
    assert await status(mirror, "/packages/others/x/1.0.0") == 404
    body = b"""{"packages":[{"org":"ballerina","name":"io","version":"","mode":"soft"},
        {"org":"ballerina","name":"http","version":"","mode":"soft"}]}"""
    answer = (await mirror.send("POST", "/packages/resolve-dependencies", content=body)).json()
    assert [each["name"] for each in answer["resolved"]] == ["io"]


async def test_rules_of_a_package_hold_for_its_modules(
    mirror: World, upstream: FakeUpstream
) -> None:
    upstream.publish("ballerina/http:1.0.0")
    await change(mirror, "ballerina/http deny")
    body = b"""{"modules":[{"organization":"ballerina","moduleName":"io"},
        {"organization":"ballerina","moduleName":"http"}]}"""
    answer = (await mirror.send("POST", "/packages/resolve-modules", content=body)).json()
    assert [each["moduleName"] for each in answer["resolvedModules"]] == ["io"]


async def test_a_module_is_found_in_a_package_that_rules_allow(
    mirror: World, upstream: FakeUpstream
) -> None:
    await change(mirror, "ballerina/io.sub deny")
    body = b"""{"modules":[{"organization":"ballerina","moduleName":"io.sub"}]}"""
    answer = (await mirror.send("POST", "/packages/resolve-modules", content=body)).json()
    assert [each["packageName"] for each in answer["resolvedModules"]] == ["io"]
    assert upstream.asked == {"modules": 1}


async def test_a_rule_names_the_upstream_of_an_organization(
    worlds: OpenWorld, upstream: FakeUpstream
) -> None:
    second = FakeUpstream()
    second.publish("ballerina/io:1.0.0", summary="of the second")
    with second.serving():
        mirror = await worlds(upstream=f"{upstream.url},{second.url}")
        await change(mirror, f"ballerina {second.name}")
        model = (await mirror.get(f"{IO}/1.0.0")).json()
        assert model["upstream"]["name"] == second.name
    assert upstream.total == 0


async def test_while_rule_and_owner_differ_nobody_is_asked(
    worlds: OpenWorld, upstream: FakeUpstream
) -> None:
    second = FakeUpstream()
    second.publish("ballerina/io:2.0.0")
    with second.serving():
        mirror = await worlds(upstream=f"{upstream.url},{second.url}")
        assert await status(mirror, f"{IO}/1.0.0") == 302
        await change(mirror, f"ballerina {second.name}")
        asked = upstream.total
        assert await status(mirror, f"{IO}/2.0.0") == 404
        assert await status(mirror, f"{IO}/1.1.0") == 404
        assert await status(mirror, f"{IO}/1.0.0") == 302  # It is stored.
        assert (second.total, upstream.total) == (0, asked)
        found = await services(mirror).rules.dry_run(
            MirrorDraft.parse([upstream.url, second.url], [f"ballerina {second.name}"]), by=OPERATOR
        )
        [conflict] = [each for each in found.conflicts if each.rule.target == second.name]
        assert conflict.owner == upstream.name


async def test_the_list_of_upstreams_changes_while_the_registry_runs(
    mirror: World, upstream: FakeUpstream
) -> None:
    # An address that only operators may name: hosts inside are those of the setting.
    await change(mirror, upstreams=f"{upstream.url},https://second.example")
    sources = await services(mirror).reader.upstreams.sources()
    assert [each.name for each in sources] == [upstream.name, "second.example"]
    await change(mirror, upstreams="https://second.example")
    asked = upstream.total
    assert await status(mirror, f"{IO}/1.0.0") == 503
    assert upstream.total == asked


@pytest.mark.parametrize(
    ("upstreams", "rules", "sentence"),
    [
        ([], [], "Name an upstream registry"),
        (["ftp://x"], [], "it is not a valid URL"),
        (["http://elsewhere.example"], [], "it is plain http"),
        (["central", "central"], [], "names one host twice"),
        (["central"], ["x"], "The target '' of x is unknown"),
        (["central"], ["a/b/c deny"], "is no rule"),
        (["central"], ["x elsewhere"], "The target 'elsewhere' of x is unknown"),
        (["central"], ["x deny"] * 501, "There can be 500 rules"),
        ([f"https://a{n}.example" for n in range(11)], [], "more than 10"),
    ],
)
def test_a_draft_that_cannot_be_used_is_refused_in_a_sentence(
    upstreams: list[str], rules: list[str], sentence: str
) -> None:
    with pytest.raises(InvalidRequest, match=sentence):
        MirrorDraft.parse(upstreams, rules)


# --- The dry run --------------------------------------------------------------------------------


async def test_a_dry_run_reports_the_pulls_of_the_last_month(
    mirror: World, upstream: FakeUpstream
) -> None:
    await mirror.java().pull("ballerina/io:1.0.0")
    for each in mirror.instances:
        await each.packages.pull_counter.flush()
    await mirror.registry.maintenance.upkeep.run("roll-up-pulls")
    draft = MirrorDraft.parse([upstream.url], ["ballerina/io deny"])
    found = await services(mirror).rules.dry_run(draft, by=OPERATOR)
    [effect] = found.effects
    assert (effect.release, effect.pulls) == ("ballerina/io:1.0.0", 1)
    assert (effect.now, effect.then) == ("served", "denied by `ballerina/io deny`")
    assert found.pulls == 1
    assert await status(mirror, f"{IO}/1.0.0") == 302
    mirror.clock.advance(timedelta(days=32))
    assert (await services(mirror).rules.dry_run(draft, by=OPERATOR)).pulls == 0


async def test_a_dry_run_lists_what_is_pulled_most_first(
    mirror: World, upstream: FakeUpstream
) -> None:
    upstream.publish("ballerina/a:1.0.0")
    for coordinate, pulls in (("ballerina/a:1.0.0", 1), ("ballerina/io:1.0.0", 2)):
        for _ in range(pulls):
            await mirror.java().pull(coordinate)
            mirror.clock.advance(timedelta(hours=1))  # One pull of a caller an hour counts.
    for each in mirror.instances:
        await each.packages.pull_counter.flush()
    await mirror.registry.maintenance.upkeep.run("roll-up-pulls")
    draft = MirrorDraft.parse([upstream.url], ["ballerina deny"])
    effects = (await services(mirror).rules.dry_run(draft, by=OPERATOR)).effects
    assert [(each.release, each.pulls) for each in effects] == [
        ("ballerina/io:1.0.0", 2),
        ("ballerina/a:1.0.0", 1),
    ]


async def test_only_an_administrator_who_signed_in_recently_changes_rules(
    mirror: World, upstream: FakeUpstream
) -> None:
    draft = MirrorDraft.parse([upstream.url], [])
    changes, admin = services(mirror).rules, mirror.people.admin
    admin_principal = await principal_of(mirror, admin.token)
    await changes.dry_run(draft, by=admin_principal)
    with pytest.raises(SignInAgain):
        await changes.replace(draft, by=admin_principal)
    with pytest.raises(Exception, match="only administrators"):
        await changes.current(by=await principal_of(mirror, mirror.people.ann.token))


async def principal_of(mirror: World, token: str) -> Principal:
    headers = {"authorization": f"Bearer {token}"}
    return await mirror.registry.identity.authentication.authenticate(headers, RequestClient())


async def test_a_change_of_rules_is_in_the_audit_log(mirror: World) -> None:
    await change(mirror, "acme deny", age=AS_OF)
    events = await checked_feed(mirror.stores.events)
    [changed] = [each for each in events if each.kind == "mirror.rules"]
    assert changed.actor == OPERATOR.id
    assert changed.details["rules_before"] == ""
    assert changed.details["rules_after"] == "acme deny"
    assert changed.details["minimum_ages_after"] == AS_OF


async def test_two_changes_at_the_same_time_are_one_after_the_other(mirror: World) -> None:
    await asyncio.gather(change(mirror, "one deny"), change(mirror, "two deny"))
    events = await checked_feed(mirror.stores.events)
    assert len([each for each in events if each.kind == "mirror.rules"]) == 2


async def test_the_task_finishes_a_change_that_was_interrupted(mirror: World) -> None:
    assert await status(mirror, f"{IO}/1.0.0") == 302
    mirroring, fault = services(mirror), Fault("packages", Busy())
    applied = mirroring.rule_application
    broken = replace(applied, metadata=failing(applied.metadata, fault))
    stored = await mirroring.rules.current(by=OPERATOR)
    draft = MirrorDraft.parse([each.given for each in stored.upstreams], ["ballerina deny"])
    with pytest.raises(Busy):
        await replace(mirroring.rules, application=broken).replace(draft, by=OPERATOR)
    mirror.clock.advance(timedelta(seconds=6))
    assert await status(mirror, f"{IO}/1.0.0") == 302
    await mirror.registry.maintenance.upkeep.run("apply-mirror-rules")
    assert await status(mirror, f"{IO}/1.0.0") == 404
    again = await mirror.registry.maintenance.upkeep.run("apply-mirror-rules")
    assert again is not None
    assert again.changed == 0


async def test_rules_stay_in_force_while_the_store_fails(mirror: World) -> None:
    await change(mirror, "ballerina deny")
    assert await status(mirror, f"{IO}/1.0.0") == 404
    upstreams = services(mirror).reader.upstreams
    stored = upstreams._directory
    upstreams._directory = failing(stored, Fault("get", Busy()))
    mirror.clock.advance(timedelta(seconds=6))
    assert [str(each) for each in (await upstreams.rules()).rules] == ["ballerina deny"]
    broken = failing(stored, Fault("get", Busy()))
    fresh = Upstreams((), lambda _: pytest.fail("not asked"), broken, mirror.clock, nothing)
    with pytest.raises(Busy):
        await fresh.rules()
    await fresh.close()


def nothing(_upstream: str, _reason: str) -> None:
    """Log nothing."""


# --- What several requests and processes do at once ---------------------------------------------

ASKER = Asker(ANONYMOUS)
IO_PACKAGE = Package.parse("ballerina", "io")
FIRST = IO_PACKAGE.at(Version.parse("1.0.0"))


async def broken(_request: Request) -> Response:
    return Response("broken", 500)


async def test_nothing_is_read_of_a_package_that_no_upstream_may_be_asked_for(
    mirror: World, upstream: FakeUpstream
) -> None:
    await change(mirror, "ballerina deny")
    reader, version = services(mirror).reader, FIRST.version
    assert await reader.versions(IO_PACKAGE, ANY_CLIENT, ASKER) is None
    assert await reader.describe(IO_PACKAGE, version, ANY_CLIENT, ASKER) is None
    assert await reader.describe_anew(FIRST, ASKER) is None
    request = PackageRequest.of("ballerina", "io")
    assert await reader.resolve_packages([request], ANY_CLIENT, ASKER) == {}
    assert not await services(mirror).admission.admit(FIRST, ASKER)
    assert upstream.total == 0


async def test_an_answer_for_a_build_is_kept(mirror: World, upstream: FakeUpstream) -> None:
    body = b'{"packages":[{"org":"ballerina","name":"io","version":"","mode":"soft"}]}'
    for _ in range(5):  # Each process asks once.
        answer = await mirror.send("POST", "/packages/resolve-dependencies", content=body)
        assert len(answer.json()["resolved"]) == 1
    assert upstream.asked["resolve"] <= 4


async def test_builds_of_callers_without_a_token_are_limited(
    worlds: OpenWorld, upstream: FakeUpstream
) -> None:
    mirror = await worlds(upstream=upstream.url, limit_mirror="address=1")
    for number in range(3):
        name = b"ab"[number % 2 : number % 2 + 1]
        body = b'{"packages":[{"org":"ballerina","name":"%s","version":"","mode":"soft"}]}' % name
        answer = await mirror.send("POST", "/packages/resolve-dependencies", content=body)
        assert answer.status_code == (429 if number == 1 else 200)
        body = b'{"modules":[{"organization":"ballerina","moduleName":"%s"}]}' % name
        answer = await mirror.send("POST", "/packages/resolve-modules", content=body)
        assert answer.status_code == 429
        assert "retry-after" in answer.headers
    assert upstream.total == 1


async def test_a_module_of_another_package_is_not_found(
    mirror: World, upstream: FakeUpstream
) -> None:
    async def other(_request: Request) -> Response:
        found = {"organization": "ballerina", "moduleName": "io"}
        answer = {**found, "packageName": "http", "version": "1.0.0"}
        return JSONResponse({"resolvedModules": [answer], "unresolvedModules": []})

    upstream.behave["modules"] = other
    body = b'{"modules":[{"organization":"ballerina","moduleName":"io"}]}'
    answer = await mirror.send("POST", "/packages/resolve-modules", content=body)
    assert answer.json()["resolvedModules"] == []


async def test_another_process_may_write_the_same_record_first(
    mirror: World, upstream: FakeUpstream
) -> None:
    mirroring = services(mirror)
    known, fault = mirroring.reader.owners, Fault("add", AlreadyThere())
    owners = replace(known, directory=failing(known.directory, fault))
    assert not await owners.claim(parse_org("company"), upstream.name)
    moves, fault = mirroring.moves, Fault("add", AlreadyThere())
    writer = replace(moves.record_writer, directory=failing(moves.directory, fault))
    await replace(moves, record_writer=writer).move(parse_org("company"), "here")
    assert await known.stored_owner(parse_org("company")) == ""
    rules, fault = mirroring.rules, Fault("add", AlreadyThere())
    writer = replace(rules.record_writer, directory=failing(moves.directory, fault))
    draft = MirrorDraft.parse([upstream.url], ["acme deny"])
    changed = await replace(rules, record_writer=writer).replace(draft, by=OPERATOR)
    assert [str(each) for each in changed.rules] == ["acme deny"]
