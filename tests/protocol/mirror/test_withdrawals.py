"""What becomes here of releases that an upstream withdrew, or no longer has."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.coordinates import Coordinate
from shared.domain.errors.requests import Busy, NotListedYet
from shared.domain.principals import OPERATOR
from shared.domain.release_states import State
from shared.domain.withdrawal_reasons import PublicReason, WithdrawalReason
from shared.ports.http_client import HttpResponse
from shared.services.adapters import Adapters
from tests.protocol.mirror.test_second_registry import URL_OF_UPSTREAM, Pair, ToWorld
from tests.protocol.web.page_reader import Elements, opened
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.mirrors import PULL, connecting, release_of, services
from tests.support.port_doubles import Fault, Moment, count_calls, with_fault
from tests.support.world import OpenWorld, World

pytestmark = pytest.mark.measured

BAD = "tools/hammer:1.1.0"
GOOD = "tools/hammer:1.0.0"
AT = Coordinate.from_text(BAD)
MALWARE = WithdrawalReason.MALWARE
LEAK = WithdrawalReason.LEAK


@pytest.fixture
async def pair(worlds: OpenWorld) -> Pair:
    return await pair_of(worlds)


async def pair_of(
    worlds: OpenWorld,
    around: Callable[[Adapters], Adapters] = lambda stores: stores,
    **settings: Any,
) -> Pair:
    """Return a Ballroom and its mirror, which has stored both of its releases; `around` puts
    something around the stores of the mirror."""
    upstream = await worlds(url=URL_OF_UPSTREAM)
    await upstream.create_organization("tools")
    documents = ToWorld(upstream)
    archives = ToWorld(upstream)
    connect = connecting(URL_OF_UPSTREAM, documents, archives)

    def wrap(stores: Adapters) -> Adapters:
        return around(connect(stores))

    mirror = await worlds(upstream=URL_OF_UPSTREAM, wrap=wrap, **settings)
    admin = mirror.people.admin.account.model_copy(update={"email": "admin@example.org"})
    await mirror.stores.directory.put(admin)
    for name in (GOOD, BAD):
        await upstream.push(bala(name), by=upstream.people.admin)
        path = f"/packages/{name.replace(':', '/')}"
        assert (await mirror.get(path, headers=PULL)).status_code == 302
    return Pair(upstream, mirror, documents, archives)


async def withdraw(
    pair: Pair, why: WithdrawalReason | None, act: str = "quarantine", at: Coordinate = AT
) -> None:
    public = PublicReason(why=why) if why else None
    moderation = pair.upstream.registry.publishing.moderation
    await getattr(moderation, act)(at, "A reason of theirs.", public, by=OPERATOR)


async def follow(mirror: World) -> None:
    await mirror.registry.maintenance.task_runner.run("follow-upstream-withdrawals")


async def gone(mirror: World) -> list[str]:
    found = await mirror.registry.require_mirroring().gone.list(by=OPERATOR)
    return [f"{each.coordinate} {each.reason_clause}" for each in found]


def mails(mirror: World) -> list[str]:
    found = mirror.mailer.to("admin@example.org")
    return [each.text for each in found if "gone at their upstream" in each.subject]


async def status(mirror: World, name: str) -> int:
    path = f"/packages/{name.replace(':', '/')}"
    return (await mirror.get(path, headers=PULL)).status_code


async def words(world: World, path: str) -> str:
    return " ".join(Elements.of(await opened(world, path)).words.split())


async def test_malware_is_quarantined_with_the_upstream(pair: Pair) -> None:
    await withdraw(pair, MALWARE)
    await follow(pair.mirror)
    release = await release_of(pair.mirror, BAD)
    assert release.state is State.QUARANTINED
    assert release.state_reason == "Upstream: upstream.test withdrew it."
    assert await status(pair.mirror, BAD) == 404
    assert await pair.mirror.java().versions("tools/hammer") == ["1.0.0"]
    assert await status(pair.mirror, GOOD) == 302
    assert await gone(pair.mirror) == []


async def test_its_page_says_who_withdrew_it_and_why(pair: Pair) -> None:
    await withdraw(pair, MALWARE)
    await follow(pair.mirror)
    shown = await words(pair.mirror, "/packages/tools/hammer/1.1.0")
    assert "Malware" in shown
    assert "The upstream registry upstream.test withdrew it." in shown
    assert "A reason of theirs" not in shown


async def test_administrators_get_one_mail_about_all_of_them(pair: Pair) -> None:
    await withdraw(pair, MALWARE)
    await withdraw(pair, LEAK, "remove", Coordinate.from_text(GOOD))
    for _ in range(2):
        await follow(pair.mirror)
    [mail] = mails(pair.mirror)
    assert f"  {BAD} (upstream.test): withdrawn: Malware; quarantined here\n" in mail
    said = f"  {GOOD} (upstream.test): removed for good: Leaked secret; still served here\n"
    assert said in mail


@pytest.mark.parametrize(
    ("followed", "why", "state"),
    [
        ("malware", LEAK, State.LIVE),
        ("malware, leaked-secret", LEAK, State.QUARANTINED),
        ("all", LEAK, State.QUARANTINED),
        ("all", None, State.QUARANTINED),
        ("unstated", None, State.QUARANTINED),
        ("malware", None, State.LIVE),
        ("none", MALWARE, State.LIVE),
    ],
)
async def test_a_setting_says_which_reasons_are_followed(
    worlds: OpenWorld, followed: str, why: WithdrawalReason | None, state: State
) -> None:
    pair = await pair_of(worlds, upstream_withdrawals=followed)
    await withdraw(pair, why)
    await follow(pair.mirror)
    assert (await release_of(pair.mirror, BAD)).state is state
    assert len(await gone(pair.mirror)) == (state is State.LIVE)


async def test_a_release_that_is_not_followed_is_served_and_its_page_warns(pair: Pair) -> None:
    await withdraw(pair, LEAK, "remove")
    await follow(pair.mirror)
    assert await status(pair.mirror, BAD) == 302
    shown = await words(pair.mirror, "/packages/tools/hammer/1.1.0")
    assert "withdrew this version: Leaked secret." in shown
    told = (await pair.mirror.get("/packages/tools/hammer/1.1.0")).json()["upstream"]
    assert (told["removedReason"], told["removedPermanently"]) == ("leaked-secret", True)


async def test_what_the_upstream_serves_again_is_served_again(pair: Pair) -> None:
    await withdraw(pair, MALWARE)
    await follow(pair.mirror)
    await pair.upstream.registry.publishing.moderation.restore(AT, by=OPERATOR)
    await follow(pair.mirror)
    release = await release_of(pair.mirror, BAD)
    assert release.state is State.LIVE
    assert release.upstream is not None
    assert release.upstream.removed_ms is None
    assert await status(pair.mirror, BAD) == 302


@pytest.mark.parametrize("moment", Moment)
async def test_a_release_is_served_again_whichever_call_of_a_store_failed(
    worlds: OpenWorld, moment: Moment
) -> None:
    fault = Fault(None, Busy(), moment, nth=0)
    pair = await pair_of(worlds, lambda stores: fault.at("metadata")(fault.at("directory")(stores)))

    async def withdraw_and_follow() -> None:
        await withdraw(pair, MALWARE)
        await follow(pair.mirror)
        assert (await release_of(pair.mirror, BAD)).state is State.QUARANTINED

    async def note_back() -> None:
        withdrawals = services(pair.mirror).refreshing.withdrawals
        await withdrawals.note_back(await release_of(pair.mirror, BAD))

    async def try_to_note_back() -> None:
        with suppress(NotListedYet):  # A call failed after the commit.
            await note_back()

    await withdraw_and_follow()
    calls_of_return = await count_calls(fault, note_back)
    assert calls_of_return > 5
    for nth in range(1, calls_of_return + 1):
        await pair.upstream.registry.publishing.moderation.restore(AT, by=OPERATOR)
        await follow(pair.mirror)
        await withdraw_and_follow()
        assert await with_fault(fault, nth, try_to_note_back), nth
        await note_back()
        release = await release_of(pair.mirror, BAD)
        assert release.upstream is not None
        assert (release.state, release.upstream.removed_ms) == (State.LIVE, None), nth
        assert await pair.mirror.java().versions("tools/hammer") == ["1.1.0", "1.0.0"]


async def test_a_release_that_an_earlier_version_left_withheld_is_served_again(pair: Pair) -> None:
    await withdraw(pair, MALWARE)
    await follow(pair.mirror)
    release = await release_of(pair.mirror, BAD)
    withdrawals = services(pair.mirror).refreshing.withdrawals
    await withdrawals.releases.follow(release, release.deprecation, None)
    await withdrawals.note_back(await release_of(pair.mirror, BAD))
    assert (await release_of(pair.mirror, BAD)).state is State.LIVE


async def test_what_an_administrator_withheld_stays_withheld(pair: Pair) -> None:
    moderation = pair.mirror.registry.publishing.moderation
    await moderation.quarantine(AT, "A reason of ours.", by=OPERATOR)
    await withdraw(pair, MALWARE)
    await follow(pair.mirror)
    await pair.upstream.registry.publishing.moderation.restore(AT, by=OPERATOR)
    await follow(pair.mirror)
    release = await release_of(pair.mirror, BAD)
    assert (release.state, release.state_reason) == (State.QUARANTINED, "A reason of ours.")


async def test_a_refresh_learns_of_a_withdrawal_as_well(pair: Pair) -> None:
    await withdraw(pair, MALWARE)
    pair.mirror.clock.advance(timedelta(minutes=6))
    refreshing = services(pair.mirror).refreshing
    refreshing.refresh(await release_of(pair.mirror, BAD))
    await refreshing.drain()
    assert (await release_of(pair.mirror, BAD)).state is State.QUARANTINED


async def test_a_withdrawal_of_another_archive_quarantines_nothing(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    await withdraw(pair, MALWARE)
    real = ToWorld.get

    async def other(self: ToWorld, url: str, headers: Any) -> HttpResponse:
        answer = await real(self, url, headers)
        if "/index/changes" not in url:
            return answer
        body = json.loads(answer.body)
        for each in body["changes"]:
            if "digest" in each:
                each["digest"] = f"sha-256={'0' * 64}"
        return HttpResponse(answer.status, answer.headers, json.dumps(body).encode())

    monkeypatch.setattr(ToWorld, "get", other)
    await follow(pair.mirror)
    assert (await release_of(pair.mirror, BAD)).state is State.LIVE
    assert await gone(pair.mirror) == [f"{BAD} withdrawn: Malware"]


async def test_the_page_of_the_mirror_lists_them_with_one_click_for_each_way(pair: Pair) -> None:
    mirror = pair.mirror
    await withdraw(pair, LEAK)
    await withdraw(pair, None, at=Coordinate.from_text(GOOD))
    await follow(mirror)
    admin = await signed_in(mirror, mirror.people.admin, "/manage/mirror")
    assert "Removed upstream, still served here" in admin.text
    assert "Withdrawn: Leaked secret" in admin.text
    await admin.submit("/manage/mirror/keep", release=GOOD)
    await admin.submit("/manage/mirror/withhold", release=BAD)
    assert (await release_of(mirror, GOOD)).state is State.LIVE
    bad = await release_of(mirror, BAD)
    assert bad.state is State.QUARANTINED
    assert bad.public_reason is not None
    assert bad.public_reason.why is LEAK
    assert await gone(mirror) == []
    await follow(mirror)
    assert await gone(mirror) == []


async def test_a_central_without_reasons_is_listed_and_nothing_is_quarantined(
    worlds: OpenWorld, pair: Pair
) -> None:
    mirror = pair.mirror
    await services(mirror).refreshing.withdrawals.note_gone(await release_of(mirror, BAD), None)
    assert await gone(mirror) == [f"{BAD} it is missing there, without a reason"]
    assert await status(mirror, BAD) == 302
    shown = await words(mirror, "/packages/tools/hammer/1.1.0")
    assert "removed this version and gives no reason." in shown
    assert worlds


async def test_a_release_that_was_published_here_is_never_touched(pair: Pair) -> None:
    await pair.mirror.push(bala("acme/greet:1.0.0"))
    await withdraw(pair, MALWARE)
    await follow(pair.mirror)
    assert (await release_of(pair.mirror, "acme/greet:1.0.0")).state is State.LIVE
