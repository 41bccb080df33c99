"""Logs that are longer than what one page looks at."""

import pytest

from shared.auth.authorization import Administration, Authorization
from shared.domain.accounts import Organization, organization_place
from shared.domain.events import EventQuery
from shared.domain.identity import OPERATOR
from shared.domain.names import OrgName
from shared.domain.records import Event
from shared.services.administration.audit_log import MAX_EVENTS_READ, AuditLog
from tests.fakes.readers import known_readers
from tests.fakes.stores import FakeDirectory, FakeEvents
from tests.fakes.system import FakeClock
from tests.support.services import ACME as KIMS
from tests.support.services import KIM, OrganizationServices, acme_of_kim

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
