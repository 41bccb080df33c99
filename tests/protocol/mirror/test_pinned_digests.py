"""Pinned digests: what is recorded of a release when it is first seen, and the log of refusals."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate
from shared.domain.errors.packages import UpstreamReleaseRefused
from shared.domain.mirroring import UpstreamRelease
from shared.domain.packages import ReleaseEntry
from shared.domain.principals import ANONYMOUS, OPERATOR
from shared.ports.conflicts import Stale
from shared.services.packages.external_releases import PinnedDigests
from tests.contract.sample_records import release
from tests.support.mirrors import events_of, services
from tests.support.port_doubles import Fault, Moment
from tests.support.upstreams import PUBLISHED_MS, FakeUpstream
from tests.support.world import World

pytestmark = pytest.mark.measured

IO = Coordinate.parse("ballerina", "io", "1.0.0")
FIRST = Digest("a" * 64)
OTHER = Digest("b" * 64)
IO_RELEASE = release(str(IO)).model_copy(update={"digest": FIRST.hex, "created_ms": PUBLISHED_MS})


async def pinned(mirror: World) -> UpstreamRelease:
    """Return what is pinned of the package."""
    [known] = await services(mirror).reader.pins.of_package(IO.package)
    return known


async def test_the_first_description_of_a_release_is_pinned_and_another_like_it_writes_nothing(
    mirror: World, upstream: FakeUpstream
) -> None:
    seen_ms = mirror.clock.now_ms()
    for _ in range(2):
        assert (await mirror.get("/packages/ballerina/io/1.0.0")).status_code == 200
        mirror.clock.advance(timedelta(hours=2))
    assert upstream.asked["package"] >= 2
    assert await pinned(mirror) == UpstreamRelease(
        revision=1,
        org="ballerina",
        name="io",
        version="1.0.0",
        upstream=upstream.name,
        digest=upstream.digest(str(IO)).removeprefix("sha-256="),
        first_seen_ms=seen_ms,
        published_ms=PUBLISHED_MS,
    )


@pytest.mark.parametrize("is_internal", [True, False])
async def test_a_description_completes_what_is_pinned(mirror: World, is_internal: bool) -> None:
    pins = services(mirror).reader.pins
    await pins.require(IO, FIRST, "central")
    for internal in (is_internal, not is_internal):
        await pins.require(IO, FIRST, "central", published_ms=PUBLISHED_MS, is_internal=internal)
    known = await pinned(mirror)
    assert (known.published_ms, known.is_internal) == (PUBLISHED_MS, not is_internal)
    await pins.require(IO, FIRST, "central", published_ms=PUBLISHED_MS + 1)
    assert await pinned(mirror) == known  # The first time stands.


@pytest.mark.parametrize("is_internal", [True, False])
async def test_a_refusal_of_what_is_described_for_a_token_alone_is_told_to_accounts_alone(
    mirror: World, is_internal: bool
) -> None:
    pins = services(mirror).reader.pins
    await pins.require(IO, FIRST, "central", published_ms=1, is_internal=is_internal)
    await pins.refuse(IO, FIRST, "central", "it is no zip file.")
    if is_internal:
        await pins.accepted(IO, by=ANONYMOUS)
    else:
        with pytest.raises(UpstreamReleaseRefused):
            await pins.accepted(IO, by=ANONYMOUS)
    with pytest.raises(UpstreamReleaseRefused):
        await pins.accepted(IO, by=OPERATOR)


async def test_a_line_of_a_list_is_pinned_with_its_facts_and_follows_them(mirror: World) -> None:
    pins = services(mirror).reader.pins
    facts = ReleaseEntry.of(IO_RELEASE)
    told = {"published_ms": PUBLISHED_MS, "is_internal": True}
    await pins.require(IO, FIRST, "central", **told, facts=facts)
    known = await pinned(mirror)
    assert (known.digest, known.upstream, known.facts) == (FIRST.hex, "central", facts)
    assert (known.published_ms, known.is_internal, known.revision) == (PUBLISHED_MS, True, 1)
    deprecated = facts.model_copy(update={"deprecation": "Use 1.1.0."})
    await pins.require(IO, FIRST, "central", **told, facts=deprecated)
    assert (await pinned(mirror)).facts == deprecated
    changed = facts.model_copy(update={"digest": OTHER.hex})
    with pytest.raises(UpstreamReleaseRefused, match="the upstream changed its archive"):
        await pins.require(IO, OTHER, "central", **told, facts=changed)
    known = await pinned(mirror)
    assert (known.digest, known.offered_digest, known.facts) == (FIRST.hex, OTHER.hex, deprecated)


async def test_a_refusal_is_added_to_what_another_process_changed_meanwhile(mirror: World) -> None:
    pins = services(mirror).reader.pins
    await pins.require(IO, FIRST, "central")
    meanwhile = Fault("replace", Stale(), Moment.AFTER)  # What is stored is newer than what it has.
    writer = replace(pins.audited_writer, directory=meanwhile.over(pins.directory))
    await replace(pins, audited_writer=writer).refuse(IO, FIRST, "central", "it is no zip file.")
    assert (await pinned(mirror)).refused_because == "it is no zip file."


async def test_the_time_of_a_refusal_stays_when_the_release_is_admitted_at_any_age(
    mirror: World,
) -> None:
    pins = services(mirror).reader.pins
    await pins.refuse(IO, FIRST, "central", "it is no zip file.")
    refused_ms = mirror.clock.now_ms()
    mirror.clock.advance(timedelta(hours=1))
    await pins.admit(await pinned(mirror), "A fix that we wait for.", by=OPERATOR)
    assert (await pinned(mirror)).refused_ms == refused_ms


async def refuse(pins: PinnedDigests, digest: Digest) -> UpstreamReleaseRefused:
    """Require a digest that is refused."""
    with pytest.raises(UpstreamReleaseRefused) as refused:
        await pins.require(IO, digest, "central")
    return refused.value


async def test_a_refusal_keeps_its_first_reason_and_is_in_the_audit_log_until_it_is_lifted(
    mirror: World,
) -> None:
    pins = services(mirror).reader.pins
    refusal = await pins.refuse(IO, FIRST, "central", "it is no zip file.")
    sentence = "ballerina/io:1.0.0 of the upstream registry central is not served here: it is no"
    assert str(refusal).startswith(sentence)
    for digest in (FIRST, OTHER):
        assert str(await refuse(pins, digest)) == str(refusal)
    assert (await pinned(mirror)).refused_ms == mirror.clock.now_ms()
    mirror.clock.advance(timedelta(hours=1))
    assert await pins.accept(IO, by=OPERATOR)
    known = await pinned(mirror)
    assert (known.refused_because, known.offered_digest) == ("", "")
    assert (known.digest, known.refused_ms) == (FIRST.hex, None)
    await pins.accepted(IO, by=ANONYMOUS)
    events = await events_of(mirror, "mirror.refused", "mirror.incident", "mirror.retried")
    assert {(each.subject, each.org) for each in events} == {(str(IO), "ballerina")}
    digest = FIRST.hex
    reason = "it is no zip file."
    assert [(each.kind, each.actor, each.details) for each in events] == [
        ("mirror.refused", "mirror", {"digest": digest, "reason": reason}),
        ("mirror.incident", "mirror", {"digest": digest, "reason": reason, "offered": OTHER.hex}),
        ("mirror.retried", OPERATOR.id, {"digest": digest, "reason": ""}),
    ]
    assert not await pins.accept(IO, by=OPERATOR)
