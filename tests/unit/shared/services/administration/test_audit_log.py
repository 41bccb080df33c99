"""Logs that are longer than what one page looks at."""

import pytest

from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.event_queries import EventQuery
from shared.domain.events import Event
from shared.domain.names import OrgName
from shared.domain.organizations import Organization
from shared.domain.principals import OPERATOR
from shared.services.administration.audit_log import MAX_EVENTS_READ, AuditLog
from tests.fakes.stores import FakeDirectory, FakeEvents
from tests.fakes.system import FakeClock
from tests.support.services import KIM, authorization_over

ACME = OrgName("acme")


def event(number: int, kind: str = "release.published") -> Event:
    return Event(id=str(number), kind=kind, at_ms=number, actor="ann", subject="x", org="acme")


@pytest.fixture
def logbook() -> AuditLog:
    """Return the book of an organization whose rare event is its oldest."""
    feed = [event(0, "organization.founded"), *(event(n) for n in range(1, MAX_EVENTS_READ + 50))]
    acme = Organization(name=ACME, founder=KIM.id, created_ms=0)
    directory = FakeDirectory.holding(acme)
    clock = FakeClock()
    authorization = authorization_over(directory, clock)
    return AuditLog(
        FakeEvents(feed), directory, authorization, RegistryAuthorization(directory, clock)
    )


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
