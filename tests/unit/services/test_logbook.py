"""Logs that are longer than what one page looks at."""

import pytest

from shared.auth.administration import Administration
from shared.auth.authorization import Authorization
from shared.domain.errors import CredentialsMissing
from shared.domain.identity import ANONYMOUS, OPERATOR
from shared.domain.logs import LogQuery
from shared.domain.names import OrgName
from shared.domain.package import Event
from shared.services.logbook import LOOKED_AT, Logbook
from tests.fakes.clock import FakeClock
from tests.fakes.directory import FakeDirectory
from tests.fakes.events import FakeEvents

ACME = OrgName("acme")


def event(number: int, kind: str = "release.published") -> Event:
    return Event(id=str(number), kind=kind, at_ms=number, actor="ann", subject="x", org="acme")


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
