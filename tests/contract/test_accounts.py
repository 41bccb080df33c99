"""What AccountStore promises."""

import asyncio

import pytest

from shared.domain.identity import Account, Membership, Role, Standing
from shared.domain.names import OrgName
from shared.ports import AlreadyThere
from tests.contract.samples import account, organization
from tests.contract.worlds import Stores

ACME = OrgName("acme")


def member(account_id: str, role: Role = Role.MEMBER, org: str = "acme") -> Membership:
    """Return a membership."""
    return Membership(org=org, account=account_id, role=role)


async def test_nobody_stands_nowhere(stores: Stores) -> None:
    assert await stores.accounts.standing("a1", ACME) == Standing(None, None, None)
    assert await stores.accounts.account("a1") is None
    assert await stores.accounts.organization(ACME) is None


async def test_an_account_comes_back(stores: Stores) -> None:
    await stores.accounts.add_account(account())
    assert await stores.accounts.account("a1") == account()
    assert await stores.accounts.standing("a1", ACME) == Standing(account(), None, None)


@pytest.mark.parametrize("taken", [account("a1", "Bob"), account("a2", "Alice")])
async def test_an_account_needs_an_id_and_a_name_that_are_free(
    stores: Stores, taken: Account
) -> None:
    await stores.accounts.add_account(account("a1", "Alice"))
    with pytest.raises(AlreadyThere):
        await stores.accounts.add_account(taken)
    assert await stores.accounts.accounts() == [account("a1", "Alice")]


async def test_accounts_are_listed_by_name(stores: Stores) -> None:
    people = [account("a1", "Carol"), account("a2", "alice"), account("a3", "Bob")]
    for each in people:
        await stores.accounts.add_account(each)
    assert [each.name for each in await stores.accounts.accounts()] == ["alice", "Bob", "Carol"]


async def test_a_founder_is_owner(stores: Stores) -> None:
    await stores.accounts.add_account(account())
    await stores.accounts.add_organization(organization())
    standing = await stores.accounts.standing("a1", ACME)
    assert standing == Standing(account(), organization(), Role.OWNER)
    assert await stores.accounts.memberships(ACME) == [member("a1", Role.OWNER)]


async def test_organizations_are_compared_without_case_and_spelled_as_founded(
    stores: Stores,
) -> None:
    await stores.accounts.add_account(account())
    await stores.accounts.add_organization(organization("Acme"))
    await stores.accounts.put_membership(member("a2", Role.MAINTAINER, org="ACME"))
    assert await stores.accounts.organization(OrgName("acme")) == organization("Acme")
    assert (await stores.accounts.standing("a1", OrgName("aCME"))).role is Role.OWNER
    assert (await stores.accounts.standing("a2", ACME)).role is Role.MAINTAINER
    assert len(await stores.accounts.memberships(OrgName("AcMe"))) == 2


async def test_the_name_of_an_organization_is_given_once(stores: Stores) -> None:
    await stores.accounts.add_organization(organization("acme"))
    with pytest.raises(AlreadyThere):
        await stores.accounts.add_organization(organization("ACME", founder="a2"))
    assert await stores.accounts.organizations() == [organization("acme")]
    assert (await stores.accounts.standing("a2", ACME)).role is None


async def test_the_name_of_a_deleted_organization_is_not_given_again(stores: Stores) -> None:
    gone = organization(deleted=True)
    await stores.accounts.add_organization(gone)
    assert await stores.accounts.organization(ACME) == gone
    with pytest.raises(AlreadyThere):
        await stores.accounts.add_organization(organization(founder="a2"))


async def test_of_concurrent_founders_exactly_one_gets_the_name(
    stores: Stores, others: Stores
) -> None:
    attempts = [
        world.accounts.add_organization(organization(founder=f"{name}{number}"))
        for number in range(10)
        for name, world in (("a", stores), ("b", others))
    ]
    results = await asyncio.gather(*attempts, return_exceptions=True)
    assert results.count(None) == 1
    stored = await stores.accounts.organization(ACME)
    assert stored is not None
    assert await stores.accounts.memberships(ACME) == [member(stored.founder, Role.OWNER)]


async def test_organizations_are_listed_by_name(stores: Stores) -> None:
    for name in ("beta", "Gamma", "alpha"):
        await stores.accounts.add_organization(organization(name))
    listed = await stores.accounts.organizations()
    assert [each.name for each in listed] == ["alpha", "beta", "Gamma"]


async def test_a_role_can_be_given_and_changed(stores: Stores, others: Stores) -> None:
    await stores.accounts.add_organization(organization())
    for role in (Role.MEMBER, Role.MAINTAINER, Role.OWNER):
        await stores.accounts.put_membership(member("a2", role))
        assert (await others.accounts.standing("a2", ACME)).role is role


async def test_who_was_taken_out_has_no_role(stores: Stores, others: Stores) -> None:
    await stores.accounts.add_organization(organization())
    await stores.accounts.put_membership(member("a2"))
    for _ in range(2):
        await stores.accounts.remove_membership(OrgName("ACME"), "a2")
    assert (await others.accounts.standing("a2", ACME)).role is None
    assert await stores.accounts.memberships(ACME) == [member("a1", Role.OWNER)]


async def test_a_founder_who_was_taken_out_is_no_owner(stores: Stores) -> None:
    await stores.accounts.add_organization(organization())
    await stores.accounts.remove_membership(ACME, "a1")
    assert (await stores.accounts.standing("a1", ACME)).role is None
    assert await stores.accounts.memberships(ACME) == []


async def test_a_role_holds_in_its_organization_alone(stores: Stores) -> None:
    await stores.accounts.add_organization(organization("acme"))
    await stores.accounts.add_organization(organization("other", founder="a2"))
    assert (await stores.accounts.standing("a2", ACME)).role is None


async def test_an_account_has_its_organizations(stores: Stores) -> None:
    for org, founder in (("acme", "a1"), ("beta", "a2"), ("gamma", "a2")):
        await stores.accounts.add_organization(organization(org, founder=founder))
    await stores.accounts.put_membership(member("a1", org="gamma"))
    mine = await stores.accounts.organizations_of("a1")
    assert sorted(mine, key=str) == [member("a1", org="gamma"), member("a1", Role.OWNER)][::-1]
    assert await stores.accounts.organizations_of("nobody") == []
