"""Logs that are longer than what one page looks at."""

import pytest

from shared.auth.administration import Administration
from shared.auth.authorization import Authorization
from shared.domain.errors import CredentialsMissing
from shared.domain.identity import ANONYMOUS, OPERATOR
from shared.domain.logs import LogQuery
from shared.domain.names import OrgName
from shared.domain.package import Event
from shared.domain.rights import Role
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
