"""The minimum age: which release a reader and a build get in place of one that is too young.

A date as of which releases are served is the same rule with a clock that stands still.
"""

import json
from dataclasses import dataclass
from datetime import timedelta

import pytest

from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate, Package
from shared.domain.errors.base import InvalidRequest
from shared.domain.mirror_rules import AgeRule, MirrorRules
from shared.domain.principals import OPERATOR
from shared.domain.times import utc_text
from tests.protocol.mirror.test_mirror_rules import AS_OF, DAY, IO, LATER_MS
from tests.support.archives import bala
from tests.support.mirrors import (
    CAME_THROUGH_HERE,
    PULL,
    broken,
    change,
    events_of,
    modules,
    resolve,
    resolved,
    services,
    status,
)
from tests.support.refusals import raises_refusal
from tests.support.upstreams import PUBLISHED_MS, FakeUpstream
from tests.support.world import BASE, URL, OpenWorld, World

pytestmark = pytest.mark.measured

LIB = "/packages/octo/lib"
WEEK = "* 7"
NEW_IO = Coordinate.parse("ballerina", "io", "1.1.0")


@dataclass(frozen=True)
class AgedMirror:
    """A mirror whose rule leaves out some releases, which were published at `late_ms`."""

    world: World
    rule: str
    late_ms: int

    @property
    def end(self) -> str:
        """The end of the sentence that refuses them."""
        if self.rule == AS_OF:
            return "serves nothing later."
        end = utc_text(self.late_ms + 7 * DAY)
        return f"serves releases after 7 days: this one from {end} on."


def publish(upstream: FakeUpstream, coordinate: str, published_ms: int) -> None:
    upstream.publish(coordinate)
    upstream.described[coordinate] = {"createdDate": published_ms}


@pytest.fixture(params=[WEEK, AS_OF])
async def aged(request: pytest.FixtureRequest, mirror: World, upstream: FakeUpstream) -> AgedMirror:
    rule: str = request.param
    late_ms = LATER_MS if rule == AS_OF else mirror.clock.now_ms() - DAY
    await change(mirror, age=rule)
    for late in ("ballerina/io:1.1.0", "octo/lib:1.1.0", "octo/lib:3.0.0"):
        publish(upstream, late, late_ms)
    for in_time in ("octo/lib:1.0.0", "octo/lib:2.0.0-beta", "octo/lib:2.0.0-alpha"):
        upstream.publish(in_time)
    return AgedMirror(mirror, rule, late_ms)


@pytest.fixture
def young(aged: AgedMirror) -> World:
    return aged.world


# --- What clients get ---------------------------------------------------------------------------


async def test_lists_of_every_face_leave_out_what_is_too_young(young: World) -> None:
    assert (await young.get(IO)).json() == ["1.0.0"]
    assert (await young.get(LIB)).json() == ["1.0.0", "2.0.0-beta", "2.0.0-alpha"]
    for path in ("index/ballerina/io/index.json", "2.0/maven/ballerina/io/maven-metadata.xml"):
        text = (await young.get(f"{URL}/{path}")).text
        assert ("1.0.0" in text, "1.1.0" in text) == (True, False)


async def test_a_range_gets_the_newest_stable_release_that_is_old_enough(young: World) -> None:
    assert (await young.get(f"{IO}/*")).json()["version"] == "1.0.0"
    assert (await young.get(f"{LIB}/*")).json()["version"] == "1.0.0"
    assert (await young.get(f"{LIB}/2.*")).json()["version"] == "2.0.0-beta"
    hop = await young.get(f"{IO}/*", headers=PULL)
    assert (hop.status_code, hop.headers["location"].split("/")[-2]) == (302, "1.0.0")


async def test_a_refusal_says_which_rule_and_when_it_ends(
    aged: AgedMirror, upstream: FakeUpstream
) -> None:
    since = utc_text(aged.late_ms)
    for path in (f"{LIB}/1.1.0", f"{LIB}/3.*"):
        for headers in (PULL, {}):
            answer = await aged.world.get(path, headers=headers)
            assert answer.status_code == 400
            said = answer.json()["message"]
            assert f"of the upstream registry {upstream.name} is not served here: it was" in said
            assert f"published at {since}, and the rule `{aged.rule}` {aged.end}" in said
    address = f"{URL}/archives/mirrored/octo/lib/1.1.0/octo-lib-any-1.1.0.bala"
    assert aged.end in (await aged.world.get(address)).json()["message"]
    assert upstream.asked["file"] == 0


async def test_a_release_is_served_when_it_is_old_enough(
    mirror: World, upstream: FakeUpstream
) -> None:
    await change(mirror, age=WEEK)
    publish(upstream, "ballerina/io:1.1.0", mirror.clock.now_ms() - 6 * DAY)
    tags = [(await mirror.get(f"{URL}/index/ballerina/io/index.json")).headers["etag"]]
    assert await status(mirror, f"{IO}/1.1.0") == 400
    mirror.clock.advance(timedelta(days=1, seconds=1))
    assert (await mirror.get(IO)).json() == ["1.1.0", "1.0.0"]
    tags.append((await mirror.get(f"{URL}/index/ballerina/io/index.json")).headers["etag"])
    assert tags[0] != tags[1]
    assert await status(mirror, f"{IO}/1.1.0") == 302
    assert await resolved(mirror, "ballerina/io soft") == ["ballerina/io:1.1.0"]


async def test_a_build_gets_the_best_release_that_is_old_enough(young: World) -> None:
    requests = ("octo/lib soft", "ballerina/io:1.0.0 medium", "octo/nothing soft")
    assert await resolved(young, *requests) == ["octo/lib:1.0.0", "ballerina/io:1.0.0"]
    assert await resolved(young, "octo/lib:1.0.0 soft") == ["octo/lib:1.0.0"]
    assert await resolved(young, "octo/lib:2.0.0-alpha soft") == ["octo/lib:2.0.0-beta"]
    assert await resolved(young, "octo/lib:3.0.0 soft", "octo/lib:1.1.0 locked") == []


async def test_a_module_is_found_in_the_newest_release_that_is_old_enough_and_holds_it(
    young: World, upstream: FakeUpstream
) -> None:
    upstream.publish("octo/calm:1.0.0")
    wanted = ("octo/lib", "octo/calm", "octo/nothing")
    assert await modules(young, *wanted) == ["lib:1.0.0", "calm:1.0.0"]


async def test_nothing_more_is_asked_about_a_package_that_nobody_has(
    young: World, upstream: FakeUpstream
) -> None:
    assert await resolved(young, "octo/nothing soft") == []
    assert upstream.asked == {"resolve": 1}


async def test_the_time_of_a_version_is_asked_for_once(
    young: World, upstream: FakeUpstream
) -> None:
    for _ in range(2):
        assert (await young.get(IO)).json() == ["1.0.0"]
        assert upstream.asked["package"] == 2
        young.clock.advance(timedelta(hours=2))  # Nothing of the answers is kept.


@pytest.mark.parametrize("silent", ["package", "versions"])
async def test_a_build_waits_for_what_nobody_knows_the_age_of(
    young: World, upstream: FakeUpstream, silent: str
) -> None:
    upstream.behave[silent] = broken
    answer = await resolve(young, "ballerina/io soft")
    assert answer.status_code == 503
    assert "retry-after" in answer.headers
    assert (await young.get(IO)).status_code == 503


async def test_what_is_stored_and_older_is_served_while_the_upstream_is_away(
    mirror: World, upstream: FakeUpstream
) -> None:
    assert await status(mirror, f"{IO}/1.0.0") == 302
    await change(mirror, age=WEEK)

    upstream.behave = dict.fromkeys(("package", "versions", "resolve", "file"), broken)
    assert await status(mirror, f"{IO}/1.0.0") == 302
    assert await status(mirror, f"{IO}/*") == 503
    assert await resolved(mirror, "ballerina/io:1.0.0 locked") == ["ballerina/io:1.0.0"]


async def test_packages_of_ours_have_no_minimum_age(mirror: World) -> None:
    await mirror.push(bala("acme/greet:1.0.0"))
    await change(mirror, age="* 2001-01-01")
    assert (await mirror.get("/packages/acme/greet")).json() == ["1.0.0"]


async def test_a_refused_release_is_in_no_list(mirror: World) -> None:
    pins = services(mirror).reader.pins
    first = Coordinate.parse("ballerina", "io", "1.0.0")
    await pins.refuse(first, Digest("a" * 64), "127.0.0.1", "It is bad.")
    await change(mirror, age="* 2030-01-01")
    assert (await mirror.get(IO)).json() == ["1.1.0"]


async def test_a_list_knows_the_age_of_what_was_pinned_without_one(
    mirror: World, upstream: FakeUpstream
) -> None:
    digest = Digest.of(upstream.archives[str(NEW_IO)])
    await services(mirror).reader.pins.require(NEW_IO, digest, upstream.name)
    await change(mirror, age=WEEK)
    assert (await mirror.get(IO)).json() == ["1.1.0", "1.0.0"]
    assert await status(mirror, f"{IO}/1.1.0") == 302


async def test_answers_carry_the_time_at_which_the_upstream_published(mirror: World) -> None:
    for _ in range(2):  # Before it is stored, and after.
        assert (await mirror.get(f"{IO}/1.0.0")).json()["createdDate"] == PUBLISHED_MS
        index = (await mirror.get(f"{URL}/index/ballerina/io/index.json")).text.splitlines()
        assert {json.loads(each)["created"] for each in index} == {PUBLISHED_MS}
        assert await status(mirror, f"{IO}/1.0.0") == 302


# --- Which rule ---------------------------------------------------------------------------------


async def test_the_setting_holds_where_no_rule_does(
    worlds: OpenWorld, upstream: FakeUpstream
) -> None:
    mirror = await worlds(upstream=upstream.url, upstream_minimum_age=7)
    publish(upstream, "ballerina/io:1.1.0", mirror.clock.now_ms() - DAY)
    publish(upstream, "octo/lib:1.0.0", mirror.clock.now_ms() - DAY)
    assert await status(mirror, f"{IO}/1.1.0") == 400
    await change(mirror, age="ballerina/i* 0")
    assert await status(mirror, f"{IO}/1.1.0") == 302
    assert await status(mirror, f"{LIB}/1.0.0") == 400


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ("* 7", 400),
        ("7 {}", 400),
        ("ballerina 0, 7", 302),
        ("* 7, ballerina 0", 400),
        ("BALLERINA/IO 1", 302),
        ("other* 7", 302),
        ("7 second.example, 0 {}, 7", 302),
    ],
)
async def test_the_first_rule_about_the_package_and_its_upstream_decides(
    mirror: World, upstream: FakeUpstream, rules: str, code: int
) -> None:
    publish(upstream, "ballerina/io:1.1.0", mirror.clock.now_ms() - 3 * DAY)
    upstreams = f"{upstream.url},https://second.example"
    await change(mirror, age=rules.format(upstream.name), upstreams=upstreams)
    assert await status(mirror, f"{IO}/1.1.0") == code


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ("yesterday", "is no minimum age"),
        ("a/b/c 7", "is no minimum age"),
        ("acme 7 elsewhere", "The upstream 'elsewhere' of 'acme 7 elsewhere' is unknown"),
        ("acme 4000", "has 3,650 days at most"),
        ("acme 2026-99-01", "is a time such as"),
    ],
)
def test_a_minimum_age_that_cannot_be_used_is_refused_in_a_sentence(
    rule: str, sentence: str
) -> None:
    with pytest.raises(InvalidRequest, match=sentence):
        MirrorRules.parse(["central"], [], [rule])


async def test_a_time_from_before_the_last_list_counts_from_when_it_was_seen(
    mirror: World, upstream: FakeUpstream
) -> None:
    await change(mirror, age=WEEK)
    assert (await mirror.get(IO)).json() == ["1.1.0", "1.0.0"]
    mirror.clock.advance(timedelta(hours=2))
    publish(upstream, "ballerina/io:1.2.0", PUBLISHED_MS)
    assert (await mirror.get(IO)).json() == ["1.1.0", "1.0.0"]
    assert await status(mirror, f"{IO}/1.2.0") == 400
    mirror.clock.advance(timedelta(days=7, seconds=1))
    assert await status(mirror, f"{IO}/1.2.0") == 302


# --- What is stored, and what an administrator admits -------------------------------------------


@pytest.mark.parametrize("rule", [WEEK, AS_OF])
async def test_a_stored_release_that_is_too_young_is_withheld_until_it_is_old_enough(
    mirror: World, upstream: FakeUpstream, rule: str
) -> None:
    late_ms = LATER_MS if rule == AS_OF else mirror.clock.now_ms() - DAY
    publish(upstream, "ballerina/io:1.1.0", late_ms)
    addresses = [
        (await mirror.get(f"{IO}/{each}", headers=PULL)).headers["location"]
        for each in ("1.0.0", "1.1.0")
    ]
    await change(mirror, age=rule)
    for path in (f"{IO}/1.1.0", f"{IO}/1.1.*"):
        for headers in (PULL, {}):
            assert f"and the rule `{rule}` serves" in (await mirror.get(path, headers=headers)).text
    assert [await status(mirror, each) for each in addresses] == [200, 404]
    assert (await mirror.get(IO)).json() == ["1.0.0"]
    for path in ("index/ballerina/io/index.json", "2.0/maven/ballerina/io/maven-metadata.xml"):
        text = (await mirror.get(f"{URL}/{path}")).text
        assert ("1.0.0" in text, "1.1.0" in text) == (True, False)
    if rule == AS_OF:
        await change(mirror)
    else:
        mirror.clock.advance(timedelta(days=6))
    await mirror.registry.maintenance.task_runner.run("apply-mirror-rules")
    assert await status(mirror, f"{IO}/1.1.0") == 302


async def test_a_stored_release_that_is_too_young_is_refused_before_the_task_withholds_it(
    worlds: OpenWorld, upstream: FakeUpstream
) -> None:
    mirror = await worlds(upstream=upstream.url, upstream_minimum_age=7)
    publish(upstream, "ballerina/io:1.1.0", mirror.clock.now_ms() - DAY)
    await change(mirror, age="ballerina 0")
    assert await status(mirror, f"{IO}/1.1.0") == 302
    draft = MirrorRules.parse([upstream.url], [])
    # As a start with another setting does.
    await services(mirror).rules._store(lambda _stored: draft, OPERATOR)
    mirror.clock.advance(timedelta(seconds=6))
    address = f"{URL}/archives/mirrored/ballerina/io/1.1.0/ballerina-io-any-1.1.0.bala"
    for path in (f"{IO}/1.1.0", address):
        assert await status(mirror, path) == 400
    assert (await mirror.get(f"{IO}/*")).json()["version"] == "1.0.0"


async def test_the_release_of_a_bundle_has_the_age_that_it_says(
    mirror: World, upstream: FakeUpstream
) -> None:
    at = Coordinate.parse("ballerina", "io", "1.0.0")
    assert await status(mirror, f"{IO}/1.0.0") == 302
    known = await services(mirror).reader.pins.known(at)
    assert known is not None
    await mirror.stores.directory.put(known.model_copy(update={"published_ms": None}))
    await change(mirror, age=WEEK)
    upstream.behave = dict.fromkeys(("package", "versions", "resolve"), broken)
    assert await status(mirror, f"{IO}/1.0.0") == 302


async def test_a_stored_tool_of_which_no_upstream_may_be_asked_is_refused_as_well(
    mirror: World, upstream: FakeUpstream
) -> None:
    upstream.publish("octo/hammer:1.0.0", tools=["hammer"])
    upstream.described["octo/hammer:1.0.0"] = {"createdDate": mirror.clock.now_ms() - DAY}
    assert await status(mirror, "/packages/octo/hammer/1.0.0") == 302
    draft = MirrorRules.parse([upstream.url], [], [WEEK])
    await services(mirror).rules._store(lambda _stored: draft, OPERATOR)
    mirror.clock.advance(timedelta(seconds=6))
    for path in ("tools/hammer", "tools/hammer/1.0.0"):
        answer = await mirror.get(f"{BASE}/{path}", headers=CAME_THROUGH_HERE)
        assert (answer.status_code, "is not served here" in answer.text) == (400, True)
    mirror.clock.advance(timedelta(days=7))
    assert (await mirror.get(f"{BASE}/tools/hammer", headers=CAME_THROUGH_HERE)).status_code == 200


@pytest.mark.parametrize("is_stored", [False, True])
async def test_an_administrator_admits_one_release_with_a_reason(
    mirror: World, upstream: FakeUpstream, is_stored: bool
) -> None:
    publish(upstream, "ballerina/io:1.1.0", mirror.clock.now_ms() - DAY)
    publish(upstream, "ballerina/io:1.2.0", mirror.clock.now_ms() - DAY)
    if is_stored:
        assert await status(mirror, f"{IO}/1.1.0") == 302
    await change(mirror, age=WEEK)
    assert await status(mirror, f"{IO}/1.1.0") == 400
    rules = services(mirror).rules
    with raises_refusal("reason-missing", match="Enter a reason for serving"):
        await rules.admit(NEW_IO, " ", by=OPERATOR)
    await rules.admit(NEW_IO, "It is urgent.", by=OPERATOR)
    mirror.clock.advance(timedelta(seconds=6))
    assert await status(mirror, f"{IO}/1.1.0") == 302
    assert (await mirror.get(IO)).json() == ["1.1.0", "1.0.0"]
    assert await resolved(mirror, "ballerina/io soft") == ["ballerina/io:1.1.0"]
    assert await status(mirror, f"{IO}/1.2.0") == 400
    [admitted] = await events_of(mirror, "mirror.admitted")
    assert (admitted.actor, admitted.subject) == (OPERATOR.id, str(NEW_IO))
    assert admitted.details["reason"] == "It is urgent."


async def test_a_dry_run_reports_the_pulls_of_days_on_which_a_release_was_too_young(
    mirror: World, upstream: FakeUpstream
) -> None:
    package = Package.parse("ballerina", "io")
    now_ms = mirror.clock.now_ms()
    publish(upstream, "ballerina/io:1.1.0", now_ms - 10 * DAY)
    for version in ("1.0.0", "1.1.0"):
        assert await status(mirror, f"{IO}/{version}") == 302
    pulls = {utc_text(now_ms - ago * DAY)[:10]: count for ago, count in ((1, 100), (8, 3), (5, 2))}
    await mirror.stores.pulls.restore(package, {"1.0.0": pulls, "1.1.0": pulls})
    found: list[tuple[str, int, str]] = []
    for rule in (WEEK, "* 14", "* 2001-01-01"):
        draft = MirrorRules.parse([upstream.url], [], [rule])
        effects = (await services(mirror).rules.dry_run(draft, by=OPERATOR)).effects
        found += [(each.release, each.pulls, each.then) for each in effects]
    ends = [utc_text(now_ms + days * DAY) for days in (-3, 4)]
    assert found == [
        ("ballerina/io:1.1.0", 5, f"refused by `* 7` until {ends[0]}"),
        ("ballerina/io:1.1.0", 105, f"refused by `* 14` until {ends[1]}"),
        ("ballerina/io:1.0.0", 105, "refused by `* 2001-01-01T00:00:00Z`"),
        ("ballerina/io:1.1.0", 105, "refused by `* 2001-01-01T00:00:00Z`"),
    ]


def test_a_release_of_exactly_the_minimum_age_is_served() -> None:
    rule = AgeRule(pattern="*", days=7)
    at_ms = 10**12
    week_ms = 7 * 24 * 60 * 60 * 1_000
    assert rule.refusal(at_ms - week_ms, at_ms) == ""
    assert "after 7 days" in rule.refusal(at_ms - week_ms + 1, at_ms)
