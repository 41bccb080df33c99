"""Reports as a weapon: who can have a release of others quarantined, and who cannot."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import Conflict, Refusal
from shared.domain.principals import OPERATOR, Principal
from shared.domain.release_states import State
from shared.domain.reports import (
    MAX_DEPENDENTS,
    MAX_QUARANTINES,
    MAX_WEIGHTLESS_REPORTS,
    QUARANTINED_BY_REPORTS,
    REPORTS_KEPT_FOR,
    YOUNG_FOR,
    Report,
    ReportState,
    report_network,
)
from shared.domain.scopes import ADMINISTRATORS_SCOPES, Scope
from shared.services.publishing.report_weights import ReportWeights, WeighedReport
from shared.services.publishing.reports import Verdict
from tests.support.archives import bala
from tests.support.browsers import Browser, signed_in
from tests.support.reporters import GREET, SAW, is_pulled, new_reporters, publish, report, reporter
from tests.support.world import URL, OpenWorld, World, limited

pytestmark = pytest.mark.measured

THRESHOLD = 3


@pytest.fixture
async def weighing(worlds: OpenWorld) -> World:
    """Return a registry where three reports of full weight quarantine a release."""
    world = await worlds(
        reports_quarantine=THRESHOLD,
        trusted_proxies="127.0.0.1",
        brake_packages=1_000,
        brake_releases=1_000,
    )
    await publish(world)
    return world


async def decide(world: World, state: ReportState, at: Coordinate = GREET) -> None:
    verdict = Verdict(state, "We looked at it.")
    await world.registry.publishing.reports.decide(at, verdict, by=OPERATOR)


async def report_all(world: World, people: list[Principal], at: Coordinate = GREET) -> None:
    for each in people:
        await report(world, each, at)


async def state_of(world: World, at: Coordinate = GREET) -> tuple[State, str]:
    found = await world.stores.metadata.find(at)
    assert found.release is not None
    return found.release.state, found.release.state_reason


async def test_enough_old_accounts_of_different_networks_quarantine_a_release(
    weighing: World,
) -> None:
    people = await new_reporters(weighing, THRESHOLD)
    await report_all(weighing, people[:-1])
    assert await is_pulled(weighing)
    await report(weighing, people[-1])
    assert await state_of(weighing) == (State.QUARANTINED, QUARANTINED_BY_REPORTS)
    page = await weighing.get(f"{URL}/packages/acme/greet/1.0.0")
    assert "This is provisional: users reported it, and its review is open." in page.text
    again = await report(weighing, people[-1])
    assert again.state is ReportState.WAITING, "a repeat of the report that quarantined it"


async def test_nobody_reads_that_an_administrator_withdrew_what_reports_quarantined(
    weighing: World,
) -> None:
    await report_all(weighing, await new_reporters(weighing, THRESHOLD))
    page = (await Browser(weighing).open("/packages/acme/greet/1.0.0")).text
    assert "Users reported this version" in page
    answers = [
        await weighing.get(f"{URL}/{path}")
        for path in (
            "api/v1/packages/acme/greet/1.0.0",
            "2.0/registry/packages/acme/greet/1.0.0",
            "packages/acme/greet",
        )
    ]
    said = [page, *(each.text for each in answers)]
    assert any("Reports of users quarantined" in each for each in said)
    assert not any("An administrator of this registry withdrew" in each for each in said)
    await decide(weighing, ReportState.CONFIRMED)
    page = (await Browser(weighing).open("/packages/acme/greet/1.0.0")).text
    assert "An administrator of this registry withdrew this version" in page


async def test_without_the_setting_no_number_of_reports_does_anything(world: World) -> None:
    await publish(world)
    await report_all(world, await new_reporters(world, 12))
    assert await is_pulled(world)


async def test_a_mob_of_young_accounts_weighs_nothing(weighing: World) -> None:
    await report_all(weighing, await new_reporters(weighing, 20, days=YOUNG_FOR.days - 1))
    assert await is_pulled(weighing)


async def test_a_mob_that_waits_until_its_accounts_are_old_still_weighs_nothing(
    weighing: World,
) -> None:
    people = await new_reporters(weighing, 6, days=0)
    await report_all(weighing, people)
    weighing.clock.step(YOUNG_FOR)
    await report_all(weighing, people)
    await report(weighing, await reporter(weighing, "kim", address="192.0.2.1"))
    assert await is_pulled(weighing)


async def test_young_accounts_keep_no_others_from_reporting(weighing: World) -> None:
    await report_all(weighing, await new_reporters(weighing, MAX_WEIGHTLESS_REPORTS, days=1))
    with pytest.raises(Conflict, match="One more changes nothing"):
        await report(weighing, await reporter(weighing, "late", days=1))
    old = [await reporter(weighing, f"old{n}", address=f"203.0.{n}.1") for n in range(THRESHOLD)]
    await report_all(weighing, old)
    assert not await is_pulled(weighing)


@pytest.mark.parametrize("network", ["203.0.113", "10.0.0"])
async def test_all_from_one_network_count_as_one(weighing: World, network: str) -> None:
    await report_all(weighing, await new_reporters(weighing, 10, network=network))
    assert await is_pulled(weighing)
    others = [await reporter(weighing, f"o{n}", address=f"192.0.{n}.1") for n in (3, 4)]
    await report_all(weighing, others)
    assert not await is_pulled(weighing)


async def test_accounts_whose_address_is_not_known_count_as_one(weighing: World) -> None:
    for number in range(6):
        await report(weighing, await reporter(weighing, f"kim{number}"))
    for number in range(6):
        await report(
            weighing, await reporter(weighing, f"lee{number}", address=f"127.0.{number}.1")
        )
    assert await is_pulled(weighing)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("2001:db8:1:ffff:1::", "2001:db8:1::/48"),
        ("::ffff:203.0.113.200", "203.0.113.0/24"),
        ("127.0.0.1", ""),
        ("::1", ""),
        ("", ""),
        ("somewhere", ""),
    ],
)
def test_a_network_is_what_one_customer_gets(address: str, network: str) -> None:
    assert report_network(address) == network


async def test_the_network_is_that_of_the_request_and_no_claim(weighing: World) -> None:
    bob = await signed_in(weighing, weighing.people.bob, address="203.0.113.7, 192.0.2.9")
    path = "/account/reports/acme/greet/1.0.0"
    await bob.open(path)
    await bob.submit(path, why="malware", text=SAW)
    url = f"{URL}/api/v1/moderation/reports/acme/greet/1.0.0"
    [seen] = (await weighing.get(url, by=weighing.people.admin)).json()["reports"]
    assert seen["network"] == "192.0.2.0/24"


async def test_a_reporter_with_ten_accounts_is_one_reporter(weighing: World) -> None:
    """Ten accounts of one person, all old, at home: they have one network together."""
    people = [
        await reporter(weighing, f"sock{n}", address=f"2001:db8:7:{n:x}::1") for n in range(10)
    ]
    await report_all(weighing, people)
    assert await is_pulled(weighing)


async def test_one_account_reports_a_release_once_from_everywhere(weighing: World) -> None:
    kim = await reporter(weighing, "kim", address="203.0.113.1")
    await report(weighing, kim)
    for number in range(6):
        moved = Principal(
            kim.id, "session", kim.grants, signed_in_ms=kim.signed_in_ms, address=f"9.9.{number}.1"
        )
        await report(weighing, moved)
        with pytest.raises(Conflict, match="An account reports a release once"):
            await report(weighing, moved, text=f"Again, number {number}.")
    assert await is_pulled(weighing)


async def test_a_popular_package_is_left_to_an_administrator(weighing: World) -> None:
    for number in range(MAX_DEPENDENTS + 1):
        await weighing.push(bala(f"acme/user{number}:1.0.0", dependencies=["acme/greet:1.0.0"]))
    await report_all(weighing, await new_reporters(weighing, THRESHOLD + 2))
    assert await is_pulled(weighing)
    inspected = await weighing.registry.publishing.moderation.inspect(GREET, by=OPERATOR)
    assert inspected.dependents == MAX_DEPENDENTS + 1
    await decide(weighing, ReportState.CONFIRMED)
    assert not await is_pulled(weighing)


@pytest.mark.parametrize("state", [ReportState.DISMISSED, ReportState.FALSE])
async def test_a_quarantine_by_reports_is_undone_with_one_decision_and_stays_undone(
    weighing: World, state: ReportState
) -> None:
    await report_all(weighing, await new_reporters(weighing, THRESHOLD))
    assert not await is_pulled(weighing)
    await decide(weighing, state)
    assert await is_pulled(weighing)
    more = [await reporter(weighing, f"more{n}", address=f"192.{n}.2.1") for n in range(6)]
    await report_all(weighing, more)
    assert await is_pulled(weighing), "an administrator has looked at it"


async def test_a_release_that_was_dismissed_while_its_reports_were_weighed_stays(
    weighing: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    weighed = ReportWeights.weighed

    async def overtaken(weights: ReportWeights, reports: Sequence[Report]) -> list[WeighedReport]:
        monkeypatch.setattr(ReportWeights, "weighed", weighed)
        await decide(weighing, ReportState.DISMISSED)
        return await weighed(weights, reports)

    first, second, third = await new_reporters(weighing, THRESHOLD)
    await report_all(weighing, [first, second])
    monkeypatch.setattr(ReportWeights, "weighed", overtaken)
    await report(weighing, third)
    assert await is_pulled(weighing)


async def test_one_button_restores_a_release_that_reports_quarantined(weighing: World) -> None:
    await report_all(weighing, await new_reporters(weighing, THRESHOLD))
    path = "/manage/reports/acme/greet/1.0.0"
    admin = await signed_in(weighing, weighing.people.admin, path)
    await admin.submit(f"{path}/decision", "Restore, and dismiss the reports")
    assert await is_pulled(weighing)
    assert "Restore, and dismiss the reports" not in admin.text


async def test_what_an_administrator_restored_otherwise_is_not_quarantined_again(
    weighing: World,
) -> None:
    await report_all(weighing, await new_reporters(weighing, THRESHOLD))
    await weighing.registry.publishing.moderation.restore(GREET, by=OPERATOR)
    await report(weighing, await reporter(weighing, "kim", address="192.0.2.1"))
    assert await is_pulled(weighing)


async def test_no_mail_says_that_a_release_is_quarantined_which_was_restored(
    weighing: World,
) -> None:
    admin = weighing.people.admin.account.model_copy(update={"email": "admin@example.org"})
    await report_all(weighing, await new_reporters(weighing, THRESHOLD))
    await weighing.registry.publishing.moderation.restore(GREET, by=OPERATOR)
    await weighing.stores.directory.replace(admin)
    weighing.clock.advance(timedelta(days=8))
    await report(weighing, await reporter(weighing, "kim", address="192.0.2.1"))
    [mail] = weighing.mailer.to("admin@example.org")
    assert "Nothing was changed." in mail.text


async def test_reports_change_nothing_of_what_an_administrator_quarantined(
    weighing: World,
) -> None:
    await report(weighing, await reporter(weighing, "kim", address="192.0.2.1"))
    moderation = weighing.registry.publishing.moderation
    await moderation.quarantine(GREET, "A case is open.", by=OPERATOR)
    with pytest.raises(Refusal, match="An administrator of this registry withdrew"):
        await report(weighing, await reporter(weighing, "lee", address="192.0.3.1"))
    await decide(weighing, ReportState.DISMISSED)
    assert await state_of(weighing) == (State.QUARANTINED, "A case is open.")


async def test_a_reporter_who_was_wrong_counts_half_and_then_nothing(weighing: World) -> None:
    """False reports cost weight; one that was made in good faith costs nothing."""
    people = await new_reporters(weighing, THRESHOLD)
    wrong = people[0]
    names = ("p0", "p1", "p2", "p3")
    await publish(weighing, *names)
    at = [Coordinate.parse("acme", each, "1.0.0") for each in names]
    weights = list[float]()
    for number, state in enumerate((ReportState.DISMISSED, ReportState.FALSE, ReportState.FALSE)):
        await report(weighing, wrong, at[number])
        await decide(weighing, state, at[number])
        await report(weighing, wrong, at[3])
        shown = await weighing.registry.publishing.reports.show(at[3], by=OPERATOR)
        weights.append(shown.weight)
    assert weights == [1.0, 0.5, 0.0]
    await report_all(weighing, people)
    assert await is_pulled(weighing)
    weighing.clock.step(REPORTS_KEPT_FOR)
    shown = await weighing.registry.publishing.reports.show(GREET, by=OPERATOR)
    assert shown.weight == THRESHOLD, "after a year it is forgotten"


async def test_reports_that_wait_weigh_less_once_their_reporter_was_wrong(weighing: World) -> None:
    """Whoever reports everything at once gains nothing by being early."""
    people = await new_reporters(weighing, THRESHOLD)
    await publish(weighing, "p0", "p1")
    for name in ("p0", "p1"):
        await report(weighing, people[0], Coordinate.parse("acme", name, "1.0.0"))
    await report(weighing, people[0])
    for name in ("p0", "p1"):
        await decide(weighing, ReportState.FALSE, Coordinate.parse("acme", name, "1.0.0"))
    await report_all(weighing, people[1:])
    assert await is_pulled(weighing)


async def test_locked_accounts_weigh_nothing(weighing: World) -> None:
    people = await new_reporters(weighing, THRESHOLD)
    await report(weighing, people[0])
    thief = await weighing.registry.identity.accounts.by_name_or_id("mob0")
    accounts = weighing.registry.administration.accounts
    await accounts.lock(thief, "It was stolen.", by=OPERATOR)
    await report_all(weighing, people[1:])
    assert await is_pulled(weighing)


async def test_reports_quarantine_so_many_releases_at_a_time_and_no_more(weighing: World) -> None:
    """Old accounts, bought by the dozen, still cannot close a registry."""
    names = [f"p{number}" for number in range(MAX_QUARANTINES + 1)]
    await publish(weighing, *names)
    people = await new_reporters(weighing, THRESHOLD)
    at = [Coordinate.parse("acme", each, "1.0.0") for each in names]
    for each in at:
        await report_all(weighing, people, each)
    assert [await is_pulled(weighing, each) for each in at] == [False] * MAX_QUARANTINES + [True]
    await decide(weighing, ReportState.DISMISSED, at[0])
    await report(weighing, await reporter(weighing, "kim", address="192.0.2.1"), at[-1])
    assert not await is_pulled(weighing, at[-1]), "there is room again"


async def test_administrators_and_owners_are_told_what_reports_quarantined(
    weighing: World,
) -> None:
    for person, email in ((weighing.people.admin, "admin"), (weighing.people.ann, "ann")):
        known = person.account.model_copy(update={"email": f"{email}@example.org"})
        await weighing.stores.directory.replace(known)
    await report_all(weighing, await new_reporters(weighing, THRESHOLD))
    first, quarantined = weighing.mailer.to("admin@example.org")
    assert "Nothing was changed." in first.text
    assert "quarantined until you decide" in quarantined.text
    [owner] = weighing.mailer.to("ann@example.org")
    assert QUARANTINED_BY_REPORTS in owner.text
    assert "mob" not in owner.text


@pytest.mark.parametrize("scope", [each for each in Scope if each is not Scope.MANAGE])
async def test_a_leaked_token_reports_nothing_in_the_name_of_its_account(
    world: World, scope: Scope
) -> None:
    await publish(world)
    holder = world.people.admin if scope in ADMINISTRATORS_SCOPES else world.people.bob
    person = await limited(world, holder, scope.value)
    url = f"{URL}/api/v1/packages/acme/greet/1.0.0/reports"
    sent = {"why": "malware", "text": SAW}
    answer = await world.send("POST", url, by=person, json=sent)
    assert answer.status_code == 403


async def test_a_report_of_a_private_package_counts_by_the_same_rules(worlds: OpenWorld) -> None:
    world = await worlds(reports_quarantine=2)
    await world.push(bala("acme/secret:1.0.0", visibility="private"))
    at = Coordinate.parse("acme", "secret", "1.0.0")
    stranger = await reporter(world, "kim", address="203.0.113.1")
    with pytest.raises(Refusal, match="acme/secret"):
        await report(world, stranger, at)
    world.clock.step(timedelta(days=40))
    for number, person in enumerate((world.people.ann, world.people.mia)):
        by = world.fresh(person)
        moved = Principal(
            by.id, "session", by.grants, signed_in_ms=by.signed_in_ms, address=f"9.9.{number}.1"
        )
        await report(world, moved, at)
    assert (await state_of(world, at))[0] is State.QUARANTINED
