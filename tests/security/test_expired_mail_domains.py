"""Row 6, expired mail domains (ctx, phpass, 2022): who registers the domain of somebody's mail
address gets nothing by it."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from shared.domain.accounts import Account
from shared.domain.entities import Place
from shared.domain.errors.requests import Busy
from shared.domain.mail_domains import parse_registration
from shared.domain.times import MS
from shared.ports.conflicts import Stale
from shared.ports.http_client import HttpResponse, Unanswered
from shared.services.identity.mail_domains import MailDomains
from shared.services.maintenance.check_mail_domains import CheckMailDomains
from tests.paths import ROOT
from tests.support.browsers import signed_in
from tests.support.port_doubles import Fault
from tests.support.world import URL, OpenWorld, Person, World

pytestmark = pytest.mark.measured

RDAP = "https://rdap.example.org"
ADDRESS = "ann@mail.garden.example"
NAME = "garden.example"
YEAR = timedelta(days=365)


def date(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat().replace("+00:00", "Z")


class FakeRdap:
    """An RDAP server that knows some domains, and answers or not."""

    def __init__(self) -> None:
        self.known: dict[str, Mapping[str, object]] = {}
        self.asked: list[str] = []
        self.is_down = False

    async def get(self, url: str, headers: Mapping[str, str]) -> HttpResponse:
        """Answer about a domain as RFC 9083 says."""
        assert headers["Accept"] == "application/rdap+json"
        self.asked.append(url)
        if self.is_down:
            reason = "it does not answer"
            raise Unanswered(reason)
        found = self.known.get(url.removeprefix(f"{RDAP}/domain/"))
        return HttpResponse(200 if found else 404, {}, json.dumps(found or {}).encode())

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        raise NotImplementedError

    def register(self, name: str, since_ms: int, until_ms: int, *states: str) -> None:
        self.known[name] = {
            "objectClassName": "domain",
            "ldhName": name,
            "status": list(states or ("active",)),
            "events": [
                {"eventAction": "registration", "eventDate": date(since_ms)},
                {"eventAction": "expiration", "eventDate": date(until_ms)},
            ],
        }


class Domains:
    """A registry that asks an RDAP server about the domain of Ann's address."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rdap = FakeRdap()
        task = world.registry.maintenance.tasks[CheckMailDomains.id]
        assert isinstance(task, CheckMailDomains)
        self.service: MailDomains = replace(task.mail_domains, http=self.rdap)
        self.now_ms = world.clock.now_ms()

    async def give_address(self, person: Person, email: str) -> None:
        known = await self.account(person)
        await self.world.stores.directory.replace(known.model_copy(update={"email": email}))

    async def account(self, person: Person) -> Account:
        found = await self.world.stores.directory.get(Account, Place(person.account.id))
        assert found
        return found

    def register(self, since: timedelta, until: timedelta, *states: str) -> None:
        """Register the domain from and until a time before or after the world began."""
        self.rdap.register(NAME, self.now_ms + since // MS, self.now_ms + until // MS, *states)

    async def is_trusted(self) -> bool:
        """Ask, and return whether Ann's address is used."""
        await self.service.review_all()
        account = await self.account(self.world.people.ann)
        assert {account.email, account.distrusted_email} == {ADDRESS, ""}
        return account.email == ADDRESS


@pytest.fixture
async def domains(worlds: OpenWorld) -> Domains:
    """Return a registry where the domain was registered long before Ann's account."""
    world = await worlds(rdap_url=RDAP)
    here = Domains(world)
    await here.give_address(world.people.ann, ADDRESS)
    await here.give_address(world.people.admin, "admin@example.org")
    here.register(-3 * YEAR, YEAR)
    assert await here.is_trusted()
    return here


def test_no_mail_carries_a_way_to_sign_in_or_to_recover_an_account() -> None:
    texts = (ROOT / "shared/services/mail_texts.txt").read_text("utf-8")
    mails = {each.partition("\n")[0]: each for each in texts.split("\n== ")[1:]}
    named = ("recover", "reset", "sign-in link", "/sign-in/")
    assert [name for name, text in mails.items() if any(each in text for each in named)] == []


@pytest.mark.parametrize("states", [("redemption period",), ("pending delete",), ()])
async def test_an_address_whose_domain_expired_is_not_used(
    domains: Domains, states: tuple[str, ...]
) -> None:
    domains.rdap.known.clear()
    if states:  # Else it is gone.
        domains.register(-3 * YEAR, YEAR, *states)
    assert not await domains.is_trusted()


async def test_a_registration_that_ran_out_ends_the_trust(domains: Domains) -> None:
    domains.register(-3 * YEAR, -timedelta(days=1))
    assert not await domains.is_trusted()


async def test_a_domain_that_somebody_registered_anew_is_not_trusted(domains: Domains) -> None:
    domains.register(timedelta(days=1), YEAR)
    assert not await domains.is_trusted()


async def test_nothing_is_mailed_to_it_and_nobody_is_invited_there(domains: Domains) -> None:
    domains.rdap.known.clear()
    assert not await domains.is_trusted()
    world = domains.world
    await signed_in(world, world.people.ann)  # A new browser, which is mailed otherwise.
    assert world.mailer.to(ADDRESS) == []
    answer = await world.send(
        "POST",
        f"{URL}/api/v1/orgs/other/invitations",
        by=world.people.bob,
        json={"email": "kim@mail.garden.example", "role": "member"},
    )
    assert answer.status_code == 409, answer.text
    assert "The registration of the domain mail.garden.example has ended" in answer.text


async def test_the_person_and_administrators_are_told(domains: Domains) -> None:
    domains.rdap.known.clear()
    await domains.is_trusted()
    [mail] = domains.world.mailer.to("admin@example.org")
    assert "ann (mail.garden.example)" in mail.text
    page = await signed_in(domains.world, domains.world.people.ann, "/account/security")
    assert f"The registry sends no mail to {ADDRESS} any more" in page.text
    assert "Mail address no longer used" in page.text


async def test_people_sign_in_as_before(domains: Domains) -> None:
    domains.rdap.known.clear()
    await domains.is_trusted()
    page = await signed_in(domains.world, domains.world.people.ann, "/account")
    assert page.page.status_code == 200


async def test_a_domain_that_is_renewed_is_trusted_again(domains: Domains) -> None:
    domains.register(-3 * YEAR, -timedelta(days=1))
    assert not await domains.is_trusted()
    domains.register(-3 * YEAR, YEAR)
    assert await domains.is_trusted()


async def test_a_server_that_does_not_answer_changes_nothing(domains: Domains) -> None:
    domains.rdap.is_down = True
    assert await domains.is_trusted()
    report = await domains.service.review_all()
    assert "mail.garden.example: it does not answer" in report.problems


@pytest.mark.parametrize("error", [Busy(), Stale()], ids=["outage", "changed meanwhile"])
async def test_an_answer_that_was_not_applied_is_applied_by_the_next_run(
    worlds: OpenWorld, error: Exception
) -> None:
    fault = Fault("replace", error, nth=0)
    here = Domains(await worlds(rdap_url=RDAP, wrap=fault.at("directory")))
    await here.give_address(here.world.people.ann, ADDRESS)
    here.register(-3 * YEAR, YEAR)
    assert await here.is_trusted()
    here.rdap.known.clear()
    fault.nth = fault.calls + 1
    with suppress(Busy):
        assert await here.is_trusted()
    here.rdap.is_down = True  # As if the domain waited for its next turn.
    assert not await here.is_trusted()


async def test_a_domain_that_was_never_found_says_nothing(worlds: OpenWorld) -> None:
    here = Domains(await worlds(rdap_url=RDAP))
    await here.give_address(here.world.people.ann, ADDRESS)
    assert await here.is_trusted()
    assert here.rdap.asked == [f"{RDAP}/domain/mail.garden.example", f"{RDAP}/domain/{NAME}"]


async def test_without_the_setting_nobody_is_asked(world: World) -> None:
    assert CheckMailDomains.id not in world.registry.maintenance.tasks


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"events": {}, "status": "active"},
        {"events": [None, 7, {"eventAction": "registration"}], "status": [None, 7]},
        {"events": [{"eventAction": "registration", "eventDate": "soon"}]},
    ],
)
def test_an_answer_that_cannot_be_read_says_nothing(answer: dict[str, object]) -> None:
    found = parse_registration(answer)
    assert (found.registered_ms, found.expires_ms, found.is_lost) == (None, None, False)
