"""What EventStore promises, and what becomes of an outbox."""

import asyncio
from datetime import timedelta

import pytest

from shared.adapters.cloud import CloudStores
from shared.adapters.embedded import EmbeddedStores
from shared.domain.events import Event
from shared.domain.packages import Head, Release
from tests.contract.sample_records import GREET, coordinate, event, head, release
from tests.contract.stores import Stores
from tests.fakes.system import FakeClock

pytestmark = pytest.mark.measured

FIRST = coordinate("acme/greet:1.0.0")


async def pushed(stores: Stores, *waiting: Event) -> Release:
    """Store a release with these events in its outbox."""
    await stores.metadata.claim(head())
    await stores.metadata.add_release(release(outbox=waiting))
    return release(outbox=waiting)


async def stored(stores: Stores) -> Release:
    """Return the release as it is stored now."""
    found = (await stores.metadata.find(FIRST)).release
    assert found is not None
    return found


async def feed(stores: Stores) -> list[tuple[int, str]]:
    """Return the numbers and ids of all events."""
    return [(number, each.id) for number, each in await stores.events.since(0, 10_000)]


async def test_publishing_clears_the_outbox_and_nothing_else(stores: Stores) -> None:
    source = await pushed(stores, event("e1"), event("e2"))
    await stores.events.append_outbox(source)
    assert await stores.events.since(0, 10) == [(1, event("e1")), (2, event("e2"))]
    assert await stored(stores) == source.model_copy(update={"outbox": ()})
    assert await stores.metadata.records_with_outbox(10) == []


async def test_the_outbox_of_a_head_is_published_as_well(stores: Stores) -> None:
    source = await stores.metadata.claim(head(outbox=(event("e1"),)))
    await stores.events.append_outbox(source)
    assert await feed(stores) == [(1, "e1")]
    assert await stores.metadata.head(GREET) == source.model_copy(update={"outbox": ()})
    assert await stores.metadata.records_with_outbox(10) == []


async def test_appending_again_adds_nothing(stores: Stores, others: Stores) -> None:
    source = await pushed(stores, event("e1"))
    repeats = [
        process.events.append_outbox(source) for _ in range(10) for process in (stores, others)
    ]
    await asyncio.gather(*repeats)
    assert await feed(stores) == [(1, "e1")]


async def test_partly_appended_events_are_completed(stores: Stores) -> None:
    source = await pushed(stores, event("e1"), event("e2"))
    await stores.events.append([event("e2")])
    await stores.events.append_outbox(source)
    assert await feed(stores) == [(1, "e2"), (2, "e1")]


async def test_a_record_that_changed_since_still_has_its_outbox(stores: Stores) -> None:
    source = await pushed(stores, event("e1"))
    changed = source.model_copy(update={"outbox": (*source.outbox, event("e2"))})
    changed = await stores.metadata.replace_release(changed)
    await stores.events.append_outbox(source)
    assert await feed(stores) == [(1, "e1")]
    assert await stores.metadata.records_with_outbox(10) == [changed]
    await stores.events.append_outbox(changed)
    assert await feed(stores) == [(1, "e1"), (2, "e2")]
    assert (await stored(stores)).outbox == ()


async def test_events_of_no_record_are_appended_once(stores: Stores) -> None:
    await stores.events.append([event("e1"), event("e2")])
    await stores.events.append([event("e2"), event("e3"), event("e3")])
    await stores.events.append([])
    assert await feed(stores) == [(1, "e1"), (2, "e2"), (3, "e3")]


async def test_the_feed_is_read_from_a_number_on(stores: Stores, others: Stores) -> None:
    await stores.events.append([event(f"e{number}") for number in range(1, 6)])
    assert [number for number, _ in await others.events.since(2, 2)] == [3, 4]
    assert [number for number, _ in await others.events.since(4, 2)] == [5]
    assert await others.events.since(5, 2) == []


async def test_concurrent_events_are_numbered_without_gaps(stores: Stores, others: Stores) -> None:
    owner: Head = await stores.metadata.claim(head(outbox=(event("head"),)))
    appends = [
        process.events.append([event(f"{place}.{number}"), event("shared")])
        for number in range(20)
        for place, process in enumerate((stores, others))
    ]
    await asyncio.gather(*appends, *(each.events.append_outbox(owner) for each in (stores, others)))
    numbers = [number for number, _ in await feed(stores)]
    assert numbers == list(range(1, 43))


# --- logs --------------------------------------------------------------------------------------


def logged(id_: str, **logs: str) -> Event:
    """Return an event of these logs."""
    return event(id_).model_copy(update=logs)


async def test_a_log_holds_its_events_newest_first(stores: Stores, others: Stores) -> None:
    events = [
        logged("e1", org="acme"),
        logged("e2", org="other", account="a1"),
        logged("e3", org="acme", account="a1"),
        event("e4"),
    ]
    for process in (stores, others):
        await process.events.append(events)
    acme = await others.events.stream("org:acme", None, 10)
    assert [(number, each.id) for number, each in acme] == [(3, "e3"), (1, "e1")]
    mine = await others.events.stream("account:a1", None, 10)
    assert [each.id for _, each in mine] == ["e3", "e2"]
    assert await others.events.stream("account:a2", None, 10) == []


OF_PACKAGES = [
    ("release.published", "acme/greet:1.0.0"),
    ("release.published", "acme/greet-me:1.0.0"),
    ("package.deprecated", "Acme/Greet"),
    ("publisher.added", "acme/greet"),
    ("publisher.refused", "acme/greet"),  # Nothing changed.
    ("dependency.withdrawn", "acme/greet:1.0.0"),
]


async def test_a_package_has_a_log_of_its_own_of_its_releases_and_publishers(
    stores: Stores, others: Stores
) -> None:
    events = [
        event(f"e{number}").model_copy(update={"kind": kind, "subject": subject})
        for number, (kind, subject) in enumerate(OF_PACKAGES)
    ]
    await stores.events.append(events)
    found = await others.events.stream("package:acme/greet", None, 10)
    assert [each.id for _, each in found] == ["e3", "e2", "e0"]
    assert await others.events.stream("package:acme/greet", 2, 10) == [(1, events[0])]


async def test_the_roles_that_publish_have_a_log(stores: Stores, others: Stores) -> None:
    changes = [
        ("member.set", {"before": "", "after": "member"}),
        ("member.set", {"before": "member", "after": "maintainer"}),
        ("owner.pending", {"after": "owner"}),
        ("member.removed", {"before": "maintainer", "after": ""}),
        ("organization.changed", {"before": "owner"}),
    ]
    await stores.events.append(
        [
            logged(f"e{number}", org="acme").model_copy(update={"kind": kind, "details": details})
            for number, (kind, details) in enumerate(changes)
        ]
    )
    found = await others.events.stream("publishing:acme", None, 10)
    assert [each.id for _, each in found] == ["e3", "e2", "e1"]


async def test_events_get_into_the_logs_that_lack_them(stores: Stores, others: Stores) -> None:
    kinds = {"kind": "release.published", "subject": "acme/greet:1.0.0"}
    events = [logged(f"e{number}", org="acme").model_copy(update=kinds) for number in range(3)]
    await stores.events.append(events)
    await forget_logs(stores)
    assert await others.events.stream("package:acme/greet", None, 10) == []
    assert await stores.events.complete_logs(0, 2) == 2
    assert [n for n, _ in await others.events.stream("package:acme/greet", None, 10)] == [2, 1]
    for _ in range(2):
        assert await stores.events.complete_logs(1, 10) == 3
    for log in ("package:acme/greet", "org:acme"):
        assert [n for n, _ in await others.events.stream(log, None, 10)] == [3, 2, 1]
    assert await stores.events.complete_logs(3, 10) == 3
    assert await feed(stores) == [(1, "e0"), (2, "e1"), (3, "e2")]


async def forget_logs(stores: Stores) -> None:
    """Delete all logs, as an earlier version did not have some of them."""
    if isinstance(stores, EmbeddedStores):
        await stores.database.execute_few("DELETE FROM event_streams")
        return
    assert isinstance(stores, CloudStores)
    container = stores.cosmos.container("events")
    for item in await container.query("SELECT * FROM c WHERE c.feed = false"):
        await container.delete(item["pk"], item["id"])


async def test_the_feed_is_read_from_its_end(stores: Stores, others: Stores) -> None:
    await stores.events.append([event(f"e{number}") for number in range(1, 6)])
    assert [number for number, _ in await others.events.newest(None, 2)] == [5, 4]
    found = await others.events.newest(3, 10)
    assert [(number, each.id) for number, each in found] == [(2, "e2"), (1, "e1")]
    assert await others.events.newest(1, 10) == []


async def test_a_forgotten_event_is_still_the_last_one(stores: Stores) -> None:
    assert await stores.events.newest(None, 1) == []
    own = {"address": "203.0.113.7", "actor": "a1"}
    await stores.events.append([event("e1"), event("e2", at_ms=1).model_copy(update=own)])
    await stores.events.forget_account("a1")
    await stores.events.forget_origins(before_ms=2, count=10)
    await stores.events.overwrite_forgotten()
    assert [number for number, _ in await stores.events.newest(None, 1)] == [2]


async def test_a_log_is_read_page_by_page(stores: Stores) -> None:
    await stores.events.append([logged(f"e{number}", org="acme") for number in range(1, 8)])
    seen: list[str] = []
    before: int | None = None
    while page := await stores.events.stream("org:acme", before, 3):
        seen.extend(each.id for _, each in page)
        before = page[-1][0]
    assert seen == [f"e{number}" for number in range(7, 0, -1)]


async def test_no_event_is_before_the_first(stores: Stores) -> None:
    pushed = event("e1", org="acme").model_copy(update={"kind": "release.pushed", "account": "a1"})
    await stores.events.append([pushed])
    assert await stores.events.newest(0, 10) == []
    assert len(pushed.streams) == 3
    for name in pushed.streams:
        assert len(await stores.events.stream(name, None, 10)) == 1
        assert await stores.events.stream(name, 0, 10) == []


async def test_old_events_forget_where_they_came_from_and_nothing_else(stores: Stores) -> None:
    origin = {"address": "203.0.113.7", "credential": "t1", "actor": "a1"}
    events = [event(f"e{n}", at_ms=n).model_copy(update=origin) for n in (10, 20, 30)]
    await stores.events.append([*events, event("e5", at_ms=5)])
    assert await stores.events.forget_origins(before_ms=25, count=1) == 1
    assert await stores.events.forget_origins(before_ms=25, count=10) == 1
    assert await stores.events.forget_origins(before_ms=25, count=10) == 0
    feed = [each for _, each in await stores.events.since(0, 10)]
    nowhere = {"address": "", "credential": ""}
    first, second, third = events
    assert feed[:3] == [first.model_copy(update=nowhere), second.model_copy(update=nowhere), third]


async def test_old_events_forget_browsers_machines_and_names_and_keep_ids(
    stores: Stores, others: Stores
) -> None:
    said = {
        "session.ended": {"agent": "Firefox", "from": "203.0.113.7"},
        "account.created": {"name": "kim", "administrator": "false"},
        "account.renamed": {"before": "kim", "after": "lee"},
        "identity.linked": {"provider": "oidc", "label": "kim@example.org"},
        "invitation.sent": {"role": "member", "label": "k…@example.org"},
        "token.issued": {"name": "kim's laptop", "grants": "read on */*"},
        "device.approved": {"client": "kims-laptop", "machine-address": "203.0.113.7"},
    }
    old = [
        logged(f"e{n}", account="a1").model_copy(
            update={"kind": kind, "details": details, "subject": "a1", "at_ms": n}
        )
        for n, (kind, details) in enumerate(said.items(), 1)
    ]
    await stores.events.append(old)
    while await stores.events.forget_origins(before_ms=100, count=3):
        pass
    for log in (
        await others.events.since(0, 10),
        (await others.events.stream("account:a1", None, 10))[::-1],
    ):
        assert [each.details for _, each in log] == [
            {},
            {"administrator": "false"},
            {},
            {"provider": "oidc"},
            {"role": "member"},
            {"grants": "read on */*"},
            {},
        ]
        assert [each.subject for _, each in log] == [*["a1"] * 6, ""]


async def test_a_token_of_an_organization_keeps_its_name_in_old_events(stores: Stores) -> None:
    issued = logged("e1", org="acme").model_copy(
        update={"kind": "token.issued", "details": {"name": "ci"}, "address": "203.0.113.7"}
    )
    await stores.events.append([issued])
    assert await stores.events.forget_origins(before_ms=100, count=3) == 1
    [(_, event)] = await stores.events.since(0, 10)
    assert (event.details, event.address) == ({"name": "ci"}, "")


async def test_the_events_of_an_account_forget_its_person_at_once_and_others_nothing(
    stores: Stores, others: Stores
) -> None:
    origin = {"address": "203.0.113.7", "credential": "t1"}
    own = logged("e1", account="a1").model_copy(
        update={**origin, "kind": "account.created", "actor": "a1", "details": {"name": "kim"}}
    )
    push = logged("e2", org="acme").model_copy(update={**origin, "actor": "a1"})
    locked = logged("e3", account="a1").model_copy(
        update={
            **origin,
            "kind": "account.locked",
            "actor": "boss",
            "details": {"name": "kim", "reason": "Kim's laptop was stolen."},
        }
    )
    other = logged("e4", account="a2").model_copy(update={**origin, "actor": "a2"})
    erased = logged("e5", account="a1").model_copy(
        update={"kind": "account.deleted", "actor": "boss", "details": {"reason": "A letter."}}
    )
    await stores.events.append([own, push, locked, other, erased])
    assert await stores.events.forget_account("a1") == 3
    assert await stores.events.forget_account("a1") == 0
    await stores.events.overwrite_forgotten()
    feed = [each for _, each in await others.events.since(0, 10)]
    nowhere = {"address": "", "credential": ""}
    assert feed == [
        own.model_copy(update={**nowhere, "details": {}}),
        push.model_copy(update=nowhere),
        locked.model_copy(update={"details": {}}),
        other,
        erased,
    ]
    log = [each for _, each in await others.events.stream("account:a1", None, 10)]
    assert log == [feed[4], feed[2], feed[0]]
    assert [each for _, each in await others.events.stream("org:acme", None, 10)] == [feed[1]]


async def test_an_event_is_found_by_its_id_and_its_time(stores: Stores, clock: FakeClock) -> None:
    await stores.events.append([event("e1"), event("e2")])
    clock.advance(timedelta(days=20))
    late = event("late")  # Published weeks after it happened.
    await stores.events.append([late])
    for number, each in enumerate((event("e1"), event("e2"), late), start=1):
        found = await stores.events.find(each.id, each.at_ms)
        assert found is not None
        assert [found] == await stores.events.logged(number - 1, 1)
        assert (found.number, found.event) == (number, each)
    assert await stores.events.find("another", late.at_ms) is None


async def test_an_empty_feed_has_no_event(stores: Stores, clock: FakeClock) -> None:
    assert await stores.events.find("e1", clock.now_ms()) is None
