"""What RevocationStore promises: no entry is lost, whoever adds which of them again."""

from shared.domain.revocations import Revocation, Subject
from tests.contract.stores import Stores


def entry(event: str) -> Revocation:
    about = Subject.ACCOUNT.value
    return Revocation(event=event, at_ms=1, act="account.locked", about=about, id=f"a-{event}")


async def acts(stores: Stores) -> set[str]:
    return {each.event for each in await stores.revocations.read()}


async def test_the_entries_of_an_outbox_remain_if_its_first_one_is_added_late(
    stores: Stores, others: Stores
) -> None:
    await stores.revocations.add([entry("e1"), entry("e2")])
    # By a process that had read the record before its second event.
    await others.revocations.add([entry("e1")])
    assert await acts(stores) == {"e1", "e2"}
    await stores.revocations.compact()
    assert await acts(others) == {"e1", "e2"}


async def test_the_entries_of_an_outbox_remain_if_its_later_ones_are_added_again(
    stores: Stores,
) -> None:
    await stores.revocations.add([entry("e1"), entry("e2")])
    await stores.revocations.add([entry("e2")])
    await stores.revocations.add([entry("e2"), entry("e3")])
    assert await acts(stores) == {"e1", "e2", "e3"}
