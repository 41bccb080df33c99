"""What TokenStore promises."""

import pytest

from shared.domain.identity import Token
from shared.ports import AlreadyThere
from tests.contract.samples import token
from tests.contract.worlds import Stores


async def test_a_token_is_found_by_owner_and_hash(stores: Stores) -> None:
    await stores.tokens.add(token())
    assert await stores.tokens.find("a1", "h1") == token()


async def test_a_token_is_not_found_for_another_owner_or_hash(stores: Stores) -> None:
    await stores.tokens.add(token())
    assert await stores.tokens.find("a2", "h1") is None
    assert await stores.tokens.find("a1", "h2") is None


@pytest.mark.parametrize("taken", [token("t2", "h1"), token("t1", "h2")])
async def test_a_token_needs_a_hash_and_an_id_that_are_free(stores: Stores, taken: Token) -> None:
    await stores.tokens.add(token("t1", "h1"))
    with pytest.raises(AlreadyThere):
        await stores.tokens.add(taken)
    assert await stores.tokens.list("a1") == [token("t1", "h1")]


async def test_tokens_are_listed_oldest_first(stores: Stores) -> None:
    for number, created_ms in ((1, 30), (2, 10), (3, 20)):
        await stores.tokens.add(token(f"t{number}", f"h{number}", created_ms=created_ms))
    await stores.tokens.add(token(owner="a2"))
    assert [each.id for each in await stores.tokens.list("a1")] == ["t2", "t3", "t1"]
    assert await stores.tokens.list("nobody") == []


async def test_a_removed_token_is_gone_everywhere(stores: Stores, others: Stores) -> None:
    await stores.tokens.add(token())
    await stores.tokens.add(token("t2", "h2"))
    assert await others.tokens.find("a1", "h1") == token()
    assert await stores.tokens.remove("a1", "t1")
    assert await others.tokens.find("a1", "h1") is None
    assert await stores.tokens.list("a1") == [token("t2", "h2")]


async def test_removing_says_whether_the_token_was_there(stores: Stores) -> None:
    await stores.tokens.add(token())
    assert not await stores.tokens.remove("a2", "t1")
    assert await stores.tokens.remove("a1", "t1")
    assert not await stores.tokens.remove("a1", "t1")


async def test_the_last_use_is_noted(stores: Stores, others: Stores) -> None:
    await stores.tokens.add(token())
    await others.tokens.find("a1", "h1")
    await stores.tokens.touch("a1", "t1", used_ms=500)
    assert await others.tokens.find("a1", "h1") == token(last_used_ms=500)


async def test_a_use_of_a_token_that_is_gone_brings_nothing_back(stores: Stores) -> None:
    await stores.tokens.touch("a1", "t1", used_ms=500)
    assert await stores.tokens.list("a1") == []


async def test_expired_tokens_are_removed_and_counted(stores: Stores) -> None:
    expiries = {"t1": 100, "t2": 200, "t3": 300, "t4": None}
    for name, expires_ms in expiries.items():
        await stores.tokens.add(token(name, f"hash of {name}", expires_ms=expires_ms))
    assert await stores.tokens.remove_expired(before_ms=250) == 2
    assert {each.id for each in await stores.tokens.list("a1")} == {"t3", "t4"}
    assert await stores.tokens.remove_expired(before_ms=250) == 0
