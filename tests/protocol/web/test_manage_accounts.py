"""Snapshots of the pages of accounts, organizations and names: full, empty, refused, hostile."""

import re

import pytest
from syrupy.assertion import SnapshotAssertion

from shared.domain.group_rules import GroupRules
from shared.domain.names import parse_org
from shared.domain.organizations import Organization, organization_place
from shared.domain.principals import OPERATOR
from shared.services.organizations.organizations import OrganizationProfile
from tests.protocol.test_page_goldens import SIDE_NAVIGATION, shown
from tests.support.browsers import Browser, signed_in
from tests.support.sign_in import open_sign_in
from tests.support.world import OpenWorld, Person, World

ACCOUNTS = "/manage/accounts"
ORGANIZATIONS = "/manage/organizations"
NAMES = "/manage/names"
HOSTILE = "<b>bold</b> \N{HEBREW LETTER ALEF} & 'quoted'"
_ID = re.compile(r"(?<=<code>)\w{10}(?=</code>)")
_LINK = re.compile(r"(?<=/sign-in/link#)\w{32}")


def main(browser: Browser) -> str:
    """Return what is particular to a page, without the other places and what is new each time."""
    return _LINK.sub("LINK", _ID.sub("ID", SIDE_NAVIGATION.sub("", shown(browser))))


async def written_to(world: World, person: Person, email: str) -> None:
    """Give somebody a mail address."""
    account = await world.registry.identity.accounts.by_id(person.account.id)
    await world.stores.directory.replace(account.model_copy(update={"email": email}))


LOCKED = {"reason": HOSTILE}
TYPED = {"name": HOSTILE, "owner": HOSTILE}
MIA = f"{ACCOUNTS}/ID-OF-mia"
ADMIN = f"{ACCOUNTS}/ID-OF-admin"
SENT: dict[str, tuple[str, str, dict[str, str]]] = {
    "unknown_account": (f"{ACCOUNTS}?q={HOSTILE.replace('&', '%26')}", "", {}),
    "account_that_is_locked": (MIA, f"{MIA}/lock", LOCKED),
    "lock_that_is_refused": (ADMIN, f"{ADMIN}/lock", LOCKED),
    "sign_in_link": (MIA, f"{MIA}/link", {}),
    "groups_without_a_setting": ("/manage/groups", "", {}),
    "organization": (f"{ORGANIZATIONS}/acme", "", {}),
    "organization_that_is_refused": (ORGANIZATIONS, ORGANIZATIONS, TYPED),
    "pattern_that_is_refused": (NAMES, f"{NAMES}/new", {"pattern": HOSTILE, "reason": HOSTILE}),
}


@pytest.mark.parametrize("name", SENT)
async def test_a_page_and_what_comes_of_its_form(
    admin: Browser, page: SnapshotAssertion, name: str
) -> None:
    path, form, fields = SENT[name]
    await admin.open(admin.world.with_ids(path))
    if form:
        await admin.submit(admin.world.with_ids(form), **fields)
    assert main(admin) == page


async def test_every_account(world: World, admin: Browser, page: SnapshotAssertion) -> None:
    await written_to(world, world.people.ann, "ann@example.org")
    await world.registry.administration.accounts.lock(
        world.people.bob.account, "Stolen.", by=OPERATOR
    )
    mia = await signed_in(world, world.people.mia, "/account/data")
    await mia.submit("/account/delete", name="mia")
    assert (await admin.open(world.with_ids(MIA))).status_code == 404
    await admin.open(ACCOUNTS)
    assert main(admin) == page


async def test_an_account(world: World, admin: Browser, page: SnapshotAssertion) -> None:
    await written_to(world, world.people.ann, "ann@example.org")
    await signed_in(world, world.people.ann, agent="")
    await admin.open(admin.world.with_ids(f"{ACCOUNTS}/ID-OF-ann"))
    assert main(admin) == page


async def test_an_account_that_has_nothing(
    world: World, admin: Browser, page: SnapshotAssertion
) -> None:
    zoe = await world.registry.identity.accounts.create("zoe", by=OPERATOR)
    await admin.open(f"{ACCOUNTS}/{zoe.id}")
    assert main(admin) == page


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param("oidc:dev -> acme, owner\noidc:ops -> staff", id="tried"),
        pytest.param("<b>dev</b> -> staff", id="refused"),
    ],
)
async def test_rules_about_groups(worlds: OpenWorld, page: SnapshotAssertion, rules: str) -> None:
    company = await open_sign_in(worlds, oidc_groups_claim="teams")
    world = company.world
    stored = GroupRules.parse(["oidc:dev -> administrator"])
    await world.registry.administration.group_rules.replace(
        stored, by=world.fresh(world.people.admin)
    )
    company.issuer.person.claims |= {"teams": ["dev"]}
    await company.signed_in()
    browser = await signed_in(world, world.people.admin)
    await browser.open("/manage/groups")
    await browser.submit("/manage/groups/preview", rules=rules)
    assert main(browser) == page


async def test_every_organization(world: World, admin: Browser, page: SnapshotAssertion) -> None:
    acme = parse_org("acme")
    await world.registry.organizations.organizations.change(
        acme, OrganizationProfile.parse("<b>Acme</b>", "", None), by=OPERATOR
    )
    await world.registry.organizations.deletion.delete(
        parse_org("other"), by=OPERATOR, reason="It was decided."
    )
    await admin.open(ORGANIZATIONS)
    assert main(admin) == page


async def test_no_organization(world: World, admin: Browser, page: SnapshotAssertion) -> None:
    for name in ("acme", "other"):
        found = await world.stores.directory.get(Organization, organization_place(name))
        assert found
        await world.stores.directory.remove(found)
    await admin.open(ORGANIZATIONS)
    assert main(admin) == page


async def test_an_organization_that_is_deleted(
    world: World, admin: Browser, page: SnapshotAssertion
) -> None:
    await world.registry.organizations.deletion.delete(
        parse_org("other"), by=OPERATOR, reason="It was decided."
    )
    await admin.open(f"{ORGANIZATIONS}/other")
    assert main(admin) == page


async def test_names(world: World, admin: Browser, page: SnapshotAssertion) -> None:
    await world.registry.organizations.reserved_names.add("init*", HOSTILE, by=OPERATOR)
    await admin.open(f"{NAMES}?name=Initech")
    assert main(admin) == page
