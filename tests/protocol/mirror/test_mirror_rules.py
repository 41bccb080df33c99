"""Rules of the mirror: which upstream a package comes from, and what is denied."""

import asyncio
from datetime import timedelta
from html import unescape

import pytest
from msgspec.structs import replace
from starlette.responses import JSONResponse

from shared.domain.build_resolution import PackageRequest
from shared.domain.coordinates import Coordinate, Package
from shared.domain.distributions import ANY_CLIENT
from shared.domain.errors.base import InvalidRequest
from shared.domain.errors.requests import Busy
from shared.domain.mirror_rules import MirrorRules
from shared.domain.names import parse_org
from shared.domain.principals import ANONYMOUS, OPERATOR
from shared.domain.versions import Version
from shared.ports.conflicts import AlreadyThere
from shared.services.mirroring.upstream_questions import Asker
from shared.services.mirroring.upstreams import Upstreams
from tests.support.mirrors import (
    PULL,
    answering,
    change,
    events_of,
    modules,
    resolve,
    resolved,
    services,
    status,
)
from tests.support.port_doubles import Fault
from tests.support.storage import one_instance
from tests.support.upstreams import PUBLISHED_MS, FakeUpstream
from tests.support.world import URL, OpenWorld, World

pytestmark = pytest.mark.measured

IO = "/packages/ballerina/io"
DAY = 24 * 3600 * 1000
AS_OF = "* 2023-12-01T00:00:00Z"  # Two weeks after the upstream published everything.
LATER_MS = PUBLISHED_MS + 60 * DAY


async def test_a_denied_package_is_not_asked_for_and_not_served(
    mirror: World, upstream: FakeUpstream
) -> None:
    upstream.publish("ballerina/http:1.0.0")
    assert await status(mirror, f"{IO}/1.0.0") == 302
    await change(mirror, "ballerina/io deny")
    asked = upstream.total
    said = "is not served here: the rule `ballerina/io deny` denies it"
    for version in ("1.0.0", "1.1.0", "*", "1.*"):  # The first one was stored.
        for headers in (PULL, {}):
            answer = await mirror.get(f"{IO}/{version}", headers=headers)
            assert (answer.status_code, said in answer.text) == (400, True)
    for path in ("2.0/maven/ballerina/io/1.0.0/io-1.0.0.bala", "packages/ballerina/io/1.1.0"):
        answer = await mirror.get(f"{URL}/{path}")
        assert (answer.status_code, said in unescape(answer.text)) == (400, True)
    for path in (f"{URL}/2.0/registry{IO}", f"{URL}/index/ballerina/io/index.json"):
        answer = await mirror.get(path)
        assert answer.status_code == 404
        assert f"package not found: ballerina/io. It {said}" in answer.text
    assert upstream.total == asked
    assert await status(mirror, "/packages/ballerina/http/1.0.0") == 302


async def test_a_rule_that_is_taken_back_serves_the_stored_release_again(mirror: World) -> None:
    assert await status(mirror, f"{IO}/1.0.0") == 302
    await change(mirror, "ballerina deny")
    assert await status(mirror, f"{IO}/1.0.0") == 400
    await change(mirror)
    assert await status(mirror, f"{IO}/1.0.0") == 302


async def test_what_an_administrator_withheld_stays_withheld(mirror: World) -> None:
    assert await status(mirror, f"{IO}/1.0.0") == 302
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
    assert await status(mirror, "/packages/ballerina/http/1.0.0") == 400
    assert await status(mirror, "/packages/others/x/1.0.0") == 400
    assert await resolved(mirror, "ballerina/io", "ballerina/http") == ["ballerina/io:1.1.0"]


async def test_rules_of_a_package_hold_for_its_modules(
    mirror: World, upstream: FakeUpstream
) -> None:
    upstream.publish("ballerina/http:1.0.0")
    await change(mirror, "ballerina/http deny")
    assert await modules(mirror, "ballerina/io", "ballerina/http") == ["io:1.1.0"]


async def test_a_module_is_found_in_a_package_that_rules_allow(
    mirror: World, upstream: FakeUpstream
) -> None:
    await change(mirror, "ballerina/io.sub deny")
    assert await modules(mirror, "ballerina/io.sub") == ["io:1.1.0"]
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
        (["https://a.example", "https://A.example"], [], "names one host twice"),
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
        MirrorRules.parse(upstreams, rules)


async def test_two_changes_at_the_same_time_are_one_after_the_other(mirror: World) -> None:
    await asyncio.gather(change(mirror, "one deny"), change(mirror, "two deny"))
    assert len(await events_of(mirror, "mirror.rules")) == 2


async def test_the_task_finishes_a_change_that_was_interrupted(mirror: World) -> None:
    assert await status(mirror, f"{IO}/1.0.0") == 302
    mirroring = services(mirror)
    fault = Fault("packages", Busy())
    applied = mirroring.rule_application
    broken = replace(applied, metadata=fault.over(applied.metadata))
    stored = await mirroring.rules.current(by=OPERATOR)
    draft = MirrorRules.parse([each.given for each in stored.upstreams], ["ballerina deny"])
    with pytest.raises(Busy):
        await replace(mirroring.rules, application=broken).replace(draft, by=OPERATOR)
    mirror.clock.advance(timedelta(seconds=6))
    assert await status(mirror, f"{IO}/1.0.0") == 302
    await mirror.registry.maintenance.task_runner.run("apply-mirror-rules")
    assert await status(mirror, f"{IO}/1.0.0") == 400


@one_instance("it looks at the rules that this instance knows")
async def test_rules_stay_in_force_while_the_store_fails(mirror: World) -> None:
    await change(mirror, "ballerina deny")
    assert await status(mirror, f"{IO}/1.0.0") == 400
    upstreams = services(mirror).reader.upstreams
    stored = upstreams._directory
    upstreams._directory = Fault("get", Busy()).over(stored)
    mirror.clock.advance(timedelta(seconds=6))
    assert [str(each) for each in (await upstreams.rules()).rules] == ["ballerina deny"]
    broken = Fault("get", Busy()).over(stored)
    fresh = Upstreams(
        (),
        lambda _: pytest.fail("not asked"),
        broken,
        mirror.clock,
        lambda *_: None,
        minimum_age_days=0,
    )
    with pytest.raises(Busy):
        await fresh.rules()
    await fresh.close()


# --- What several requests and processes do at once ---------------------------------------------

ASKER = Asker(ANONYMOUS)
IO_PACKAGE = Package.parse("ballerina", "io")
FIRST = IO_PACKAGE.at(Version.parse("1.0.0"))


async def test_nothing_is_read_of_a_package_that_no_upstream_may_be_asked_for(
    mirror: World, upstream: FakeUpstream
) -> None:
    await change(mirror, "ballerina deny")
    reader = services(mirror).reader
    version = FIRST.version
    assert await reader.versions(IO_PACKAGE, ANY_CLIENT, ASKER) is None
    assert await reader.describe(IO_PACKAGE, version, ANY_CLIENT, ASKER) is None
    assert not await reader.sources_for(FIRST.package, ASKER)
    request = PackageRequest.of("ballerina", "io")
    assert await reader.resolve_packages([request], ANY_CLIENT, ASKER) == {}
    assert not await services(mirror).admission.admit(FIRST, ASKER)
    assert upstream.total == 0


async def test_builds_of_callers_without_a_token_are_limited(
    worlds: OpenWorld, upstream: FakeUpstream
) -> None:
    mirror = await worlds(upstream=upstream.url, limit_mirror="address=1")
    for number in range(3):
        name = "ab"[number % 2]
        answer = await resolve(mirror, f"ballerina/{name}")
        assert answer.status_code == (429 if number == 1 else 200)
        body = {"modules": [{"organization": "ballerina", "moduleName": name}]}
        answer = await mirror.send("POST", "/packages/resolve-modules", json=body)
        assert answer.status_code == 429
        assert "retry-after" in answer.headers
    assert upstream.total == 1


async def test_a_module_of_another_package_is_not_found(
    mirror: World, upstream: FakeUpstream
) -> None:
    found = {"organization": "ballerina", "moduleName": "io"}
    other = [{**found, "packageName": "http", "version": "1.0.0"}]
    answer = JSONResponse({"resolvedModules": other, "unresolvedModules": []})
    upstream.behave["modules"] = answering(answer)
    assert await modules(mirror, "ballerina/io") == []


async def test_another_process_may_write_the_same_record_first(
    mirror: World, upstream: FakeUpstream
) -> None:
    mirroring = services(mirror)
    known = mirroring.reader.owners
    fault = Fault("add", AlreadyThere())
    owners = replace(known, directory=fault.over(known.directory))
    assert not await owners.claim(parse_org("company"), upstream.name)
    moves = mirroring.moves
    fault = Fault("add", AlreadyThere())
    writer = replace(moves.audited_writer, directory=fault.over(moves.directory))
    await replace(moves, audited_writer=writer).move(parse_org("company"), "here", "A test.")
    assert await known.stored_owner(parse_org("company")) == ""
    rules = mirroring.rules
    fault = Fault("add", AlreadyThere())
    writer = replace(rules.audited_writer, directory=fault.over(moves.directory))
    draft = MirrorRules.parse([upstream.url], ["acme deny"])
    await replace(rules, audited_writer=writer).replace(draft, by=OPERATOR)
    stored = await rules.current(by=OPERATOR)
    assert [str(each) for each in stored.rules] == ["acme deny"]
