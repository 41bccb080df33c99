"""Logs that are longer than what one page looks at."""

import pytest

from shared.auth.administration import Administration
from shared.auth.authorization import Authorization
from shared.domain.errors import CredentialsMissing, NotPermitted
from shared.domain.identity import ANONYMOUS, OPERATOR, Principal
from shared.domain.logs import LogQuery
from shared.domain.names import OrgName
from shared.domain.organizations import Organization, place_of
from shared.domain.package import Event
from shared.domain.rights import Grant, Role, Scope
from shared.services.logbook import LOOKED_AT, Logbook
from tests.fakes.clock import FakeClock
from tests.fakes.directory import FakeDirectory
from tests.fakes.events import FakeEvents
from tests.org_world import ACME as KIMS
from tests.org_world import KIM, LEE, OrgWorld, acme_of_kim

ACME = OrgName("acme")


def event(number: int, kind: str = "release.published") -> Event:
    return Event(id=str(number), kind=kind, at_ms=number, actor="ann", subject="x", org="acme")


def book_of(world: OrgWorld) -> Logbook:
    administration = Administration(world.directory, world.clock)
    return Logbook(world.events, world.directory, world.authorization, administration)


@pytest.fixture
def logbook() -> Logbook:
    """Return the book of an organization whose rare event is its oldest."""
    feed = [event(0, "organization.founded"), *(event(n) for n in range(1, LOOKED_AT + 50))]
    directory, clock = FakeDirectory(), FakeClock()
    authorization = Authorization(directory, clock)
    return Logbook(FakeEvents(feed), directory, authorization, Administration(directory, clock))


async def test_a_rare_kind_is_found_page_by_page_and_no_page_looks_at_everything(
    logbook: Logbook,
) -> None:
    query = LogQuery(kind="organization.")
    first = await logbook.of_organization(ACME, query, by=OPERATOR)
    assert (first.events, first.next) == ((), 51)
    rest = LogQuery(kind="organization.", before=first.next)
    second = await logbook.of_organization(ACME, rest, by=OPERATOR)
    assert [each.kind for _, each in second.events] == ["organization.founded"]
    assert second.next is None


async def test_nobody_has_no_log(logbook: Logbook) -> None:
    with pytest.raises(CredentialsMissing):
        await logbook.of_account(LogQuery(), by=ANONYMOUS)


async def test_people_are_found_by_name_and_what_is_no_person_stays_a_word() -> None:
    book = book_of(await acme_of_kim())
    assert [await book.actor(name) for name in (KIM.id, "operator", "")] == [KIM.id, "operator", ""]


async def test_a_page_names_those_whom_it_is_about_as_well() -> None:
    world = await acme_of_kim()
    await world.organizations.set_member(KIMS, LEE, Role.MEMBER, by=OPERATOR)
    book = book_of(world)
    page = await book.of_organization(KIMS, LogQuery(), by=OPERATOR)
    assert page.names[LEE.id] == "lee"


async def test_a_token_that_cannot_manage_reads_no_log_and_is_told_which_scope_it_lacks() -> None:
    book = book_of(await acme_of_kim())
    narrow = Principal(KIM.id, "token", (Grant(scopes=frozenset({Scope.READ})),))
    with pytest.raises(NotPermitted) as refused:
        await book.of_account(LogQuery(), by=narrow)
    assert str(refused.value) == (
        "You may not read the log of your account: the token lacks the scope manage for it."
    )


async def test_whoever_founds_an_organization_anew_reads_nothing_of_the_one_before_it() -> None:
    world = await acme_of_kim()
    organization = await world.directory.get(Organization, place_of(KIMS))
    assert organization is not None
    founded_ms = world.clock.now_ms()
    await world.directory.put(organization.model_copy(update={"created_ms": founded_ms}))
    for at_ms in (founded_ms - 1, founded_ms, founded_ms + 1):
        await world.events.append([event(at_ms)])
    book, kim = book_of(world), world.signed_in(KIM)
    told = (await book.of_organization(KIMS, LogQuery(), by=kim)).events
    assert {each.at_ms for _, each in told if each.actor == "ann"} == {founded_ms, founded_ms + 1}
    later = LogQuery(since_ms=founded_ms + 1)
    told = (await book.of_organization(KIMS, later, by=kim)).events
    assert {each.at_ms for _, each in told if each.actor == "ann"} == {founded_ms + 1}


async def test_a_page_holds_as_many_events_as_were_asked_for_and_says_where_it_ends(
    logbook: Logbook,
) -> None:
    page = await logbook.of_organization(ACME, LogQuery(count=3), by=OPERATOR)
    numbers = [number for number, _ in page.events]
    assert numbers == sorted(numbers, reverse=True)
    assert (len(numbers), page.next) == (3, numbers[-1])
    following = await logbook.of_organization(
        ACME, LogQuery(count=3, before=page.next), by=OPERATOR
    )
    assert following.events[0][0] == numbers[-1] - 1


async def test_of_what_others_did_to_an_account_it_reads_neither_address_nor_credential() -> None:
    world = await acme_of_kim()
    for number, actor in enumerate((KIM.id, LEE.id)):
        done = event(number).model_copy(
            update={"actor": actor, "account": KIM.id, "address": "192.0.2.7", "credential": "t1"}
        )
        await world.events.append([done])
    page = await book_of(world).of_account(LogQuery(), by=world.signed_in(KIM))
    told = {each.actor: (each.address, each.credential) for _, each in page.events if each.address}
    assert told == {KIM.id: ("192.0.2.7", "t1")}
    assert {each.actor for _, each in page.events} >= {KIM.id, LEE.id}
