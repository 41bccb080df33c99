"""What DirectoryStore promises."""

import asyncio
from itertools import count
from operator import attrgetter

import pytest

from shared.domain.access_rights import AccessContext
from shared.domain.account_names import AccountName
from shared.domain.accounts import Account
from shared.domain.entities import AdditionCount, Entity, PendingEvents, Place
from shared.domain.events import Event
from shared.domain.memberships import Membership, PendingRole
from shared.domain.names import OrgName
from shared.domain.organizations import Organization
from shared.domain.scopes import Role
from shared.domain.tokens import Token, TokenUse
from shared.ports.conflicts import AlreadyThere, Stale
from tests.contract.sample_records import account, event, organization, token
from tests.contract.stores import Stores

pytestmark = pytest.mark.measured

ACME = OrgName("acme")
NOW = 1_000


def member(account_id: str, role: Role = Role.MEMBER, org: str = "acme") -> Membership:
    return Membership(org=org, account=account_id, role=role)


def owing(entity: Account, *ids: str) -> Account:
    """Return an account that owes these events."""
    return entity.model_copy(update={"outbox": tuple(event(each) for each in ids)})


# --- places ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "entity",
    [
        account(),
        AccountName(name="Alice", account="a1", created_ms=1),
        organization(),
        member("a1"),
        token(),
        TokenUse(owner="a1", token="t1", used_ms=5),
    ],
)
async def test_an_entity_comes_back(stores: Stores, others: Stores, entity: Entity) -> None:
    assert await stores.directory.get(type(entity), entity.place) is None
    assert await stores.directory.add(entity) == entity
    assert await others.directory.get(type(entity), entity.place) == entity


async def test_kinds_owners_and_keys_are_apart(stores: Stores) -> None:
    await stores.directory.add(token("t1", "h1", owner="a1"))
    assert await stores.directory.get(Token, Place("a1", "h2")) is None
    assert await stores.directory.get(Token, Place("a2", "h1")) is None
    assert await stores.directory.get(TokenUse, Place("a1", "h1")) is None


async def test_a_place_is_taken_once(stores: Stores) -> None:
    await stores.directory.add(account("a1", "Alice"))
    with pytest.raises(AlreadyThere):
        await stores.directory.add(account("a1", "Bob"))
    assert await stores.directory.get(Account, Place("a1")) == account("a1", "Alice")


async def test_exactly_one_of_concurrent_adds_succeeds(stores: Stores, others: Stores) -> None:
    attempts = [
        process.directory.add(organization(founder=f"{name}{number}"), member(f"{name}{number}"))
        for number in range(10)
        for name, process in (("a", stores), ("b", others))
    ]
    results = await asyncio.gather(*attempts, return_exceptions=True)
    [won] = [each for each in results if isinstance(each, Organization)]
    assert sum(isinstance(each, AlreadyThere) for each in results) == 19
    assert await stores.directory.get(Organization, Place("acme")) == won
    assert await stores.directory.list_by_owner(Membership, "acme") == [member(won.founder)]


def counted(number: int, owner: str = "acme") -> AdditionCount:
    return AdditionCount(owner=owner, counted="membership", number=number)


async def test_an_entity_is_replaced_in_the_write_that_adds_another_one(stores: Stores) -> None:
    await stores.directory.add(counted(1))
    await stores.directory.add(member("a1"), member("a2"), replacing=counted(2))
    found = await stores.directory.get(AdditionCount, counted(2).place)
    assert found == counted(2).model_copy(update={"revision": 2})
    assert len(await stores.directory.list_by_owner(Membership, "acme")) == 2


@pytest.mark.parametrize("revision", [1, 3])
async def test_nothing_is_added_if_what_it_replaces_is_stale(stores: Stores, revision: int) -> None:
    await stores.directory.add(counted(1))
    await stores.directory.replace(counted(2))
    stale = counted(3).model_copy(update={"revision": revision})
    with pytest.raises(Stale):
        await stores.directory.add(member("a1"), replacing=stale)
    with pytest.raises(Stale):
        await stores.directory.add(member("a1", org="other"), replacing=counted(1, "other"))
    assert await stores.directory.list_by_owner(Membership, "acme") == []
    await stores.directory.add(member("a1"))
    current = counted(3).model_copy(update={"revision": 2})
    with pytest.raises(AlreadyThere):
        await stores.directory.add(member("a1"), replacing=current)
    assert await stores.directory.get(AdditionCount, counted(1).place) == counted(2).model_copy(
        update={"revision": 2}
    )


@pytest.mark.parametrize("outbox", [(), (event("e1"),)])
async def test_nothing_is_added_if_what_it_replaces_was_removed(
    stores: Stores, outbox: tuple[Event, ...]
) -> None:
    """Its outbox, which is kept until its events are in the feed, makes no difference."""
    old = await stores.directory.add(token("t1", "h1"))
    removed = await stores.directory.remove(old.model_copy(update={"outbox": outbox}))
    for each in (old, removed):
        with pytest.raises(Stale):
            await stores.directory.add(token("t1", "h2"), replacing=each)
    assert await stores.directory.list_by_owner(Token, old.owner) == []


async def test_what_is_removed_while_it_is_replaced_adds_nothing_afterwards(
    stores: Stores, others: Stores
) -> None:
    old = [await stores.directory.add(token(f"t{n}", f"h{n}")) for n in range(10)]
    adds = [
        stores.directory.add(token(f"t{n}", f"n{n}"), replacing=each) for n, each in enumerate(old)
    ]
    removals = [others.directory.remove(each) for each in old]
    results = await asyncio.gather(*adds, *removals, return_exceptions=True)
    for added, removed in zip(results[:10], results[10:], strict=True):
        assert isinstance(added, Token) != isinstance(removed, Token)
        assert Stale in (type(added), type(removed))
    stored = await stores.directory.list_by_owner(Token, old[0].owner)
    assert len(stored) == 2 * sum(isinstance(each, Token) for each in results[:10])


async def test_exactly_one_of_concurrent_adds_replaces_an_entity(
    stores: Stores, others: Stores
) -> None:
    await stores.directory.add(counted(1))
    attempts = [
        process.directory.add(member(f"{name}{number}"), replacing=counted(2))
        for number in range(10)
        for name, process in (("a", stores), ("b", others))
    ]
    results = await asyncio.gather(*attempts, return_exceptions=True)
    [won] = [each for each in results if isinstance(each, Membership)]
    assert sum(isinstance(each, Stale) for each in results) == 19
    assert await stores.directory.list_by_owner(Membership, "acme") == [won]


async def test_a_revived_entity_takes_its_place_in_the_write_that_replaces_another_one(
    stores: Stores,
) -> None:
    await stores.directory.add(counted(1))
    left = member("a1").model_copy(update={"outbox": (event("e1"),)})
    await stores.directory.remove(await stores.directory.add(left))
    added = await stores.directory.add(member("a1"), replacing=counted(2))
    assert [each.id for each in added.outbox] == ["e1"]
    found = await stores.directory.get(AdditionCount, counted(1).place)
    assert found
    assert found.number == 2


async def test_entities_of_one_owner_are_added_together_or_not_at_all(stores: Stores) -> None:
    await stores.directory.add(member("a1"))
    with pytest.raises(AlreadyThere):
        await stores.directory.add(organization(), member("a2"), member("a1"))
    assert await stores.directory.get(Organization, Place("acme")) is None
    assert await stores.directory.list_by_owner(Membership, "acme") == [member("a1")]


# --- changes -----------------------------------------------------------------------------------


async def test_a_change_has_the_next_revision(stores: Stores, others: Stores) -> None:
    stored = await stores.directory.add(account())
    changed = await stores.directory.replace(stored.model_copy(update={"name": "Alicia"}))
    assert changed == account("a1", "Alicia").model_copy(update={"revision": 2})
    assert await others.directory.get(Account, Place("a1")) == changed


async def test_exactly_one_of_concurrent_changes_succeeds(stores: Stores, others: Stores) -> None:
    stored = await stores.directory.add(account())
    attempts = [
        process.directory.replace(stored.model_copy(update={"name": f"n{number}"}))
        for number in range(10)
        for process in (stores, others)
    ]
    results = await asyncio.gather(*attempts, return_exceptions=True)
    assert sum(isinstance(each, Account) for each in results) == 1
    assert sum(isinstance(each, Stale) for each in results) == 19
    with pytest.raises(Stale):
        await stores.directory.remove(stored)


async def test_a_missing_entity_is_neither_changed_nor_removed(stores: Stores) -> None:
    for attempt in (stores.directory.replace, stores.directory.remove):
        with pytest.raises(Stale):
            await attempt(account())
    assert await stores.directory.get(Account, Place("a1")) is None


async def test_a_removed_entity_is_in_no_list(stores: Stores, others: Stores) -> None:
    stored = await stores.directory.add(token())
    assert await others.directory.get(Token, stored.place) == stored
    await stores.directory.remove(stored)
    assert await others.directory.get(Token, stored.place) is None
    assert await others.directory.list_by_owner(Token, "a1") == []
    assert await stores.directory.add(token()) == token()
    await stores.directory.remove(token())
    assert await others.directory.list_by_subject(Token, "t1") == []
    assert await others.directory.list_all(Token, Place(""), 10) == []
    assert await others.directory.list_expiring(Token, 0, 10_000, 10) == []


# --- lists -------------------------------------------------------------------------------------


async def test_all_entities_of_an_owner_are_listed_however_many(stores: Stores) -> None:
    await stores.directory.put(TokenUse(owner="a2", token="t1", used_ms=1))
    for length in (16, 40):
        for number in range(length):
            await stores.directory.put(TokenUse(owner="a1", token=f"t{number:02}", used_ms=1))
        uses = await stores.directory.list_by_owner(TokenUse, "a1")
        assert [each.token for each in uses] == [f"t{number:02}" for number in range(length)]


async def test_the_entities_of_an_owner_are_read_page_by_page(stores: Stores) -> None:
    everything = [TokenUse(owner="a1", token=f"t{number}", used_ms=1) for number in range(7)]
    others = [TokenUse(owner=owner, token="t3", used_ms=1) for owner in ("a0", "a10", "a2")]
    for each in (*everything, *others):
        await stores.directory.put(each)
    await stores.directory.put(token())
    await stores.directory.remove(everything[4])
    seen: list[TokenUse] = []
    for length in (4, 2, 0):
        after = seen[-1].place if seen else Place("a1")
        page = await stores.directory.page_by_owner(TokenUse, after, 4)
        assert len(page) == length
        seen += page
    assert seen == [*everything[:4], *everything[5:]]


async def test_entities_are_listed_by_their_subject(stores: Stores) -> None:
    for org, account_id in (("gamma", "a1"), ("acme", "a1"), ("beta", "a2")):
        await stores.directory.add(member(account_id, org=org))
    mine = await stores.directory.list_by_subject(Membership, "a1")
    assert [each.org for each in mine] == ["acme", "gamma"]
    assert await stores.directory.list_by_subject(Membership, "nobody") == []


async def test_all_entities_of_a_kind_are_read_page_by_page(stores: Stores) -> None:
    everybody = [account(f"a{number}", f"n{number}") for number in range(7)]
    for each in everybody:
        await stores.directory.add(each)
    await stores.directory.add(organization())
    seen: list[Account] = []
    while page := await stores.directory.list_all(
        Account, seen[-1].place if seen else Place(""), 3
    ):
        seen.extend(page)
    assert seen == everybody


async def test_every_entity_of_a_kind_is_read_once_in_order_of_place(
    stores: Stores, others: Stores
) -> None:
    assert [each async for each in await stores.directory.read_all(TokenUse)] == []
    uses = [
        TokenUse(owner=f"a{number % 7}", token=f"t{number:04}", used_ms=1)
        for number in range(1_203)
    ]
    for each in uses:
        await stores.directory.put(each)
    await stores.directory.remove(uses[5])
    await stores.directory.put(token())
    found = [each async for each in await others.directory.read_all(TokenUse)]
    assert found == sorted((*uses[:5], *uses[6:]), key=attrgetter("place"))


async def test_what_is_read_of_all_entities_may_be_removed_on_the_way(stores: Stores) -> None:
    for number in range(1_203):
        await stores.directory.put(TokenUse(owner="a1", token=f"t{number}", used_ms=1))
    async for each in await stores.directory.read_all(TokenUse):
        await stores.directory.remove(each)
    assert [each async for each in await stores.directory.read_all(TokenUse)] == []


# --- access contexts ---------------------------------------------------------------------------


async def test_an_access_context_is_account_organization_and_role(stores: Stores) -> None:
    await stores.directory.add(account())
    await stores.directory.add(organization("Acme"), member("a1", Role.OWNER, org="Acme"))
    expected = AccessContext(account(), organization("Acme"), Role.OWNER, NOW)
    unknown = AccessContext(None, None, None, NOW)
    assert await stores.directory.access_context("a2", OrgName("other"), NOW) == unknown
    for spelling in ("acme", "Acme", "aCME"):
        assert await stores.directory.access_context("a1", OrgName(spelling), NOW) == expected


async def test_a_role_holds_only_in_its_organization(stores: Stores) -> None:
    await stores.directory.add(organization("acme"), member("a1", Role.OWNER))
    await stores.directory.add(organization("other"))
    assert (await stores.directory.access_context("a1", OrgName("other"), NOW)).role is None
    assert (await stores.directory.access_context("a2", ACME, NOW)).role is None


@pytest.mark.parametrize(("at_ms", "role"), [(NOW - 1, Role.MEMBER), (NOW, Role.OWNER)])
async def test_a_pending_role_counts_from_its_time_on(
    stores: Stores, at_ms: int, role: Role
) -> None:
    pending = PendingRole(role=Role.OWNER, at_ms=NOW, by="a2")
    await stores.directory.add(member("a1").model_copy(update={"pending": pending}))
    assert (await stores.directory.access_context("a1", ACME, at_ms)).role is role


# --- ends --------------------------------------------------------------------------------------


async def test_entities_that_expire_soon_are_listed_in_order(stores: Stores) -> None:
    for number, expires_ms in zip(count(), (300, 100, None, 200, 400), strict=False):
        await stores.directory.add(token(f"t{number}", f"h{number}", expires_ms=expires_ms))
    soon = await stores.directory.list_expiring(Token, 100, 400, 10)
    assert [each.expires_ms for each in soon] == [200, 300]
    assert len(await stores.directory.list_expiring(Token, 0, 1_000, 3)) == 3


async def test_expired_entities_are_removed_and_counted(stores: Stores) -> None:
    for name, expires_ms in {"t1": 100, "t2": 200, "t3": 300, "t4": None}.items():
        await stores.directory.add(token(name, f"hash of {name}", expires_ms=expires_ms))
    assert await stores.directory.remove_expired(before_ms=250) == 2
    assert {each.id for each in await stores.directory.list_by_owner(Token, "a1")} == {"t3", "t4"}
    assert await stores.directory.remove_expired(before_ms=250) == 0


async def test_an_entity_with_pending_events_remains(stores: Stores) -> None:
    await stores.directory.add(token(expires_ms=100, outbox=(event("e1"),)))
    assert await stores.directory.remove_expired(before_ms=250) == 0
    [waiting] = await stores.directory.outboxes(10)
    await stores.events.append_outbox(waiting)
    assert await stores.directory.remove_expired(before_ms=250) == 1


# --- the outbox --------------------------------------------------------------------------------


async def feed(stores: Stores) -> list[str]:
    """Return the ids of all events."""
    return [each.id for _, each in await stores.events.since(0, 1_000)]


async def test_an_outbox_is_published_and_cleared(stores: Stores, others: Stores) -> None:
    stored = await stores.directory.add(owing(account(), "e1", "e2"))
    assert await others.directory.outboxes(10) == [
        PendingEvents("account", Place("a1"), 1, stored.outbox)
    ]
    await others.events.append_outbox(stored.pending_events)
    assert await feed(stores) == ["e1", "e2"]
    assert await stores.directory.get(Account, Place("a1")) == account()
    assert await stores.directory.outboxes(10) == []


async def test_an_entity_that_changed_since_still_has_its_outbox(stores: Stores) -> None:
    stored = await stores.directory.add(owing(account(), "e1"))
    changed = await stores.directory.replace(owing(stored, "e1", "e2"))
    await stores.events.append_outbox(stored.pending_events)
    assert await stores.directory.outboxes(10) == [changed.pending_events]
    await stores.events.append_outbox(changed.pending_events)
    assert await feed(stores) == ["e1", "e2"]
    assert await stores.directory.outboxes(10) == []


async def test_a_removed_entity_remains_until_its_events_are_published(stores: Stores) -> None:
    stored = await stores.directory.add(owing(account(), "e1"))
    gone = await stores.directory.remove(owing(stored, "e1", "e2"))
    assert await stores.directory.outboxes(10) == [gone.pending_events]
    for _ in range(2):
        await stores.events.append_outbox(gone.pending_events)
    assert await feed(stores) == ["e1", "e2"]
    assert await stores.directory.outboxes(10) == []


async def test_an_entity_that_replaces_one_with_pending_events_appends_them(
    stores: Stores,
) -> None:
    gone = await stores.directory.remove(await stores.directory.add(owing(account(), "e1")))
    new = await stores.directory.add(owing(account("a1", "Anew"), "e2"))
    await stores.events.append_outbox(gone.pending_events)  # Late: the new one must not go with it.
    assert await stores.directory.get(Account, Place("a1")) == new
    await stores.events.append_outbox(new.pending_events)
    assert sorted(await feed(stores)) == ["e1", "e2"]
    assert await stores.directory.get(Account, Place("a1")) == new.model_copy(update={"outbox": ()})


async def test_the_oldest_outbox_comes_first(stores: Stores) -> None:
    for number, at_ms in ((1, 30), (2, 10), (3, 20)):
        outbox: tuple[Event, ...] = (event(f"e{number}", at_ms=at_ms),)
        await stores.directory.add(account(f"a{number}").model_copy(update={"outbox": outbox}))
    waiting = await stores.directory.outboxes(2)
    assert [each.place.owner for each in waiting] == ["a2", "a3"]
