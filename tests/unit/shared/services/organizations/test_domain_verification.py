"""A domain is shown as an organization's while its owner says so in public."""

import pytest

from shared.domain.errors.requests import Busy
from shared.domain.identity import OPERATOR
from shared.domain.names import parse_org
from shared.domain.organizations import (
    MAX_DOMAINS,
    OrganizationDomain,
    parse_domain,
)
from shared.ports import AlreadyThere, Stale
from tests.support.port_doubles import Fault, Moment, failing
from tests.support.refusals import raises_refusal
from tests.support.services import ACME, KIM, LEE, OrganizationServices, acme_of_kim

EXAMPLE = parse_domain("example.org")
RECORD = "_ballroom.example.org"


@pytest.fixture
async def acme() -> OrganizationServices:
    return await acme_of_kim()


async def prove(world: OrganizationServices) -> OrganizationDomain:
    """Claim the domain, set its record, and verify it."""
    claimed = await world.domain_verification.claim(ACME, EXAMPLE, by=world.signed_in(KIM))
    world.records.by_name[RECORD] = ["v=spf1 -all", f"ballroom-verification={claimed.challenge}"]
    return await world.domain_verification.verify(ACME, EXAMPLE, by=world.token_of(KIM))


async def proven(world: OrganizationServices) -> list[str]:
    """Return what the organization's page shows."""
    return await world.domain_verification.verified(await world.acme())


async def test_a_repeat_changes_nothing(acme: OrganizationServices) -> None:
    first = await prove(acme)
    acme.clear_calls()
    again = await acme.domain_verification.claim(ACME, EXAMPLE, by=acme.signed_in(KIM))
    assert again.challenge == first.challenge
    assert await acme.domain_verification.verify(ACME, EXAMPLE, by=acme.token_of(KIM)) == again
    assert acme.events.feed == []


async def test_concurrent_claims_of_a_domain_get_one_challenge(acme: OrganizationServices) -> None:
    working = acme.directory
    acme.directory = failing(working, Fault("add", AlreadyThere(), Moment.AFTER))
    claimed = await acme.domain_verification.claim(ACME, EXAMPLE, by=acme.signed_in(KIM))
    assert acme.directory.every(OrganizationDomain) == [
        claimed.model_copy(update={"outbox": claimed.outbox})
    ]


async def test_the_proof_of_another_organization_proves_nothing(acme: OrganizationServices) -> None:
    await prove(acme)
    other = (await acme.organizations.create(parse_org("other"), LEE, by=OPERATOR)).name
    await acme.domain_verification.claim(parse_org(other), EXAMPLE, by=acme.signed_in(LEE))
    with raises_refusal("domain-unproven"):
        await acme.domain_verification.verify(parse_org(other), EXAMPLE, by=acme.token_of(LEE))


async def test_an_organization_claims_twenty_domains_at_most(acme: OrganizationServices) -> None:
    for number in range(MAX_DOMAINS):
        name = parse_domain(f"d{number}.example.org")
        await acme.domain_verification.claim(ACME, name, by=acme.signed_in(KIM))
    with raises_refusal("domains-full", match="20"):
        await acme.domain_verification.claim(ACME, EXAMPLE, by=acme.signed_in(KIM))


async def test_when_nobody_answers_nothing_changes(acme: OrganizationServices) -> None:
    await prove(acme)
    acme.records.is_silent = True
    with raises_refusal("domain-silent"):
        await acme.domain_verification.verify(ACME, EXAMPLE, by=acme.token_of(KIM))
    report = await acme.check_domains.run()
    assert (report.seen, report.changed) == (1, 0)
    assert "did not answer" in report.problems[0]
    assert await proven(acme) == ["example.org"]


async def test_a_domain_that_is_still_verified_stays(acme: OrganizationServices) -> None:
    await prove(acme)
    acme.clear_calls()
    assert (await acme.check_domains.run()).changed == 0
    assert acme.events.feed == []
    assert acme.mailer.sent == []


async def test_a_domain_without_its_record_is_no_longer_shown(acme: OrganizationServices) -> None:
    await acme.add_members(LEE)
    await prove(acme)
    acme.clear_calls()
    acme.records.by_name.clear()
    report = await acme.check_domains.run()
    assert (report.seen, report.changed, report.problems) == (1, 1, ())
    assert await proven(acme) == []
    assert acme.events.kinds() == ["domain.lapsed"]
    assert {mail.to for mail in acme.mailer.sent} == {KIM.email, LEE.email}
    assert "example.org is no longer verified for Acme" in acme.mailer.sent[0].subject
    assert "/account/organizations/Acme/settings\n" in acme.mailer.sent[0].text
    assert (await acme.check_domains.run()).seen == 0


async def test_nobody_is_notified_of_domains_of_a_deleted_organization(
    acme: OrganizationServices,
) -> None:
    await prove(acme)
    await acme.organization_deletion.delete(ACME, by=OPERATOR)
    acme.clear_calls()
    acme.records.by_name.clear()
    assert (await acme.check_domains.run()).changed == 1
    assert acme.mailer.sent == []


async def test_a_domain_that_cannot_be_looked_up_does_not_delay_others(
    acme: OrganizationServices,
) -> None:
    await prove(acme)
    acme.records.by_name.clear()
    working = acme.directory
    for error, reason in ((Stale(), "it was changed meanwhile."), (Busy(), str(Busy()))):
        acme.directory = failing(working, Fault("replace", error))
        [problem] = (await acme.check_domains.run()).problems
        assert problem == f"example.org: {reason}"
    acme.directory = working
    assert (await acme.check_domains.run()).changed == 1


async def test_each_change_of_a_domain_is_in_the_log_of_the_organization(
    acme: OrganizationServices,
) -> None:
    await prove(acme)
    acme.records.by_name.clear()
    await acme.check_domains.run()
    await acme.domain_verification.remove(ACME, EXAMPLE, by=acme.token_of(KIM))
    assert acme.events.kinds() == [
        *("domain.claimed", "domain.verified", "domain.lapsed", "domain.removed"),
    ]
    for event in acme.events.feed:
        assert (event.subject, event.org, event.account) == ("Acme", "acme", "")
        assert event.details == {"domain": "example.org"}
    assert [event.actor for event in acme.events.feed] == [KIM.id, KIM.id, "upkeep", KIM.id]


async def test_a_refusal_of_a_domain_names_it_and_the_organization(
    acme: OrganizationServices,
) -> None:
    for attempt in (acme.domain_verification.verify, acme.domain_verification.remove):
        with raises_refusal("domain-not-found") as shown:
            await attempt(ACME, EXAMPLE, by=acme.token_of(KIM))
        assert str(shown.value).startswith(f"{ACME} does not claim the domain {EXAMPLE}.")
    for number in range(MAX_DOMAINS):
        name = parse_domain(f"d{number}.example.org")
        await acme.domain_verification.claim(ACME, name, by=acme.signed_in(KIM))
    with raises_refusal("domains-full") as full:
        await acme.domain_verification.claim(ACME, EXAMPLE, by=acme.signed_in(KIM))
    assert str(full.value).startswith(f"Acme has {MAX_DOMAINS} domains,")
