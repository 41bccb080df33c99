"""Logs that are longer than what one page looks at."""

import pytest

from shared.auth.authorization import Administration, Authorization
from shared.domain.errors.identity import CredentialsMissing, NotPermitted
from shared.domain.events import EventQuery
from shared.domain.identity import ANONYMOUS, OPERATOR, Principal
from shared.domain.names import OrgName
from shared.domain.organizations import Organization, organization_place
from shared.domain.records import Event
from shared.domain.rights import Grant, Role, Scope
from shared.services.administration.audit_log import MAX_EVENTS_READ, AuditLog
from tests.fakes.readers import known_readers
from tests.fakes.stores import FakeDirectory, FakeEvents
from tests.fakes.system import FakeClock
from tests.support.services import ACME as KIMS
from tests.support.services import KIM, LEE, OrganizationServices, acme_of_kim

ACME = OrgName("acme")


def event(number: int, kind: str = "release.published") -> Event:
    return Event(id=str(number), kind=kind, at_ms=number, actor="ann", subject="x", org="acme")


def book_of(world: OrganizationServices) -> AuditLog:
    administration = Administration(world.directory, world.clock)
    return AuditLog(world.events, world.directory, world.authorization, administration)


@pytest.fixture
def logbook() -> AuditLog:
    """Return the book of an organization whose rare event is its oldest."""
    feed = [event(0, "organization.founded"), *(event(n) for n in range(1, MAX_EVENTS_READ + 50))]
    acme = Organization(name=ACME, founder=KIM.id, created_ms=0)
    directory, clock = FakeDirectory.holding(acme), FakeClock()
    authorization = Authorization(directory, clock, known_readers())
    return AuditLog(FakeEvents(feed), directory, authorization, Administration(directory, clock))


async def test_a_rare_kind_is_found_page_by_page_and_no_page_looks_at_everything(
    logbook: AuditLog,
) -> None:
    query = EventQuery(kind="organization.")
    first = await logbook.of_organization(ACME, query, by=OPERATOR)
    assert (first.events, first.next) == ((), 51)
    rest = EventQuery(kind="organization.", before=first.next)
    second = await logbook.of_organization(ACME, rest, by=OPERATOR)
    assert [each.kind for _, each in second.events] == ["organization.founded"]
    assert second.next is None


async def test_nobody_has_no_log(logbook: AuditLog) -> None:
    with pytest.raises(CredentialsMissing):
        await logbook.of_account(EventQuery(), by=ANONYMOUS)


async def test_people_are_found_by_name_and_what_is_no_person_stays_a_word() -> None:
    book = book_of(await acme_of_kim())
    assert [await book.actor_id(name) for name in (KIM.id, "operator", "")] == [
        KIM.id,
        "operator",
        "",
    ]


async def test_a_page_names_those_whom_it_is_about_as_well() -> None:
    world = await acme_of_kim()
    await world.organizations.set_member(KIMS, LEE, Role.MEMBER, by=OPERATOR)
    book = book_of(world)
    page = await book.of_organization(KIMS, EventQuery(), by=OPERATOR)
    assert page.names[LEE.id] == "lee"


async def test_a_token_that_cannot_manage_reads_no_log_and_the_missing_scope_is_named() -> None:
    book = book_of(await acme_of_kim())
    narrow = Principal(KIM.id, "token", (Grant(scopes=frozenset({Scope.READ})),))
    with pytest.raises(NotPermitted) as refused:
        await book.of_account(EventQuery(), by=narrow)
    assert str(refused.value) == (
        "You may not read the log of your account: the token lacks the scope manage for it."
    )


async def test_a_new_organization_of_the_same_name_reads_nothing_of_the_previous_one() -> None:
    world = await acme_of_kim()
    organization = await world.directory.get(Organization, organization_place(KIMS))
    assert organization is not None
    founded_ms = world.clock.now_ms()
    await world.directory.put(organization.model_copy(update={"created_ms": founded_ms}))
    for at_ms in (founded_ms - 1, founded_ms, founded_ms + 1):
        await world.events.append([event(at_ms)])
    book, kim = book_of(world), world.signed_in(KIM)
    shown = (await book.of_organization(KIMS, EventQuery(), by=kim)).events
    assert {each.at_ms for _, each in shown if each.actor == "ann"} == {founded_ms, founded_ms + 1}
    later = EventQuery(since_ms=founded_ms + 1)
    shown = (await book.of_organization(KIMS, later, by=kim)).events
    assert {each.at_ms for _, each in shown if each.actor == "ann"} == {founded_ms + 1}


async def test_a_page_holds_as_many_events_as_were_asked_for_and_says_where_it_ends(
    logbook: AuditLog,
) -> None:
    page = await logbook.of_organization(ACME, EventQuery(count=3), by=OPERATOR)
    numbers = [number for number, _ in page.events]
    assert numbers == sorted(numbers, reverse=True)
    assert (len(numbers), page.next) == (3, numbers[-1])
    following = await logbook.of_organization(
        ACME, EventQuery(count=3, before=page.next), by=OPERATOR
    )
    assert following.events[0][0] == numbers[-1] - 1


async def test_an_account_reads_neither_address_nor_credential_of_others() -> None:
    world = await acme_of_kim()
    for number, actor in enumerate((KIM.id, LEE.id)):
        done = event(number).model_copy(
            update={"actor": actor, "account": KIM.id, "address": "192.0.2.7", "credential": "t1"}
        )
        await world.events.append([done])
    page = await book_of(world).of_account(EventQuery(), by=world.signed_in(KIM))
    shown = {each.actor: (each.address, each.credential) for _, each in page.events if each.address}
    assert shown == {KIM.id: ("192.0.2.7", "t1")}
    assert {each.actor for _, each in page.events} >= {KIM.id, LEE.id}
