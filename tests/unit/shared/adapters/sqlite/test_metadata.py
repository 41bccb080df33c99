"""What the tables of packages and releases do beyond the port."""

from collections.abc import Awaitable
from pathlib import Path

import pytest
from anyio.lowlevel import checkpoint

from shared.adapters.embedded import EmbeddedStores, open_embedded
from shared.domain.accounts import Account
from shared.domain.memberships import Membership
from shared.domain.organizations import Organization
from shared.domain.scopes import Role
from shared.domain.tokens import Token, TokenUse
from shared.runtime.editions import records_of
from tests.contract.sample_records import GREET, entry, head, release
from tests.fakes.system import FakeClock


async def test_a_release_of_a_package_that_nobody_claimed_is_a_mistake(tmp_path: Path) -> None:
    stores = open_embedded(tmp_path, FakeClock())
    stores.migrate()
    with pytest.raises(LookupError, match="acme/greet"):
        await stores.metadata.add_release(release())
    assert await stores.metadata.releases(release().coordinate.package) == []
    stores.close()


async def test_every_write_of_a_package_is_among_the_changes(stores: EmbeddedStores) -> None:
    metadata = stores.metadata
    position = stores.metadata.changes_since(None).position

    async def changed(write: Awaitable[object]) -> list[str]:
        nonlocal position
        await write
        changes = metadata.changes_since(position)
        position = changes.position
        assert changes.keys is not None
        return list(changes.keys)

    other = await metadata.claim(head("acme/other"))
    assert await changed(metadata.claim(head("acme/other"))) == ["acme/other"]
    assert await changed(metadata.add_release(release())) == [GREET.key]
    stored = (await metadata.releases(GREET))[0]
    assert await changed(metadata.replace_release(stored)) == [GREET.key]
    assert await changed(metadata.put_entries(GREET, [entry()])) == [GREET.key]
    assert await changed(metadata.replace_head(other)) == ["acme/other"]
    assert await changed(checkpoint()) == []


async def test_every_write_of_what_says_who_may_do_what_is_among_the_changes(
    stores: EmbeddedStores,
) -> None:
    directory = stores.directory
    position = stores.metadata.changes_since(None).position

    async def changed(write: Awaitable[object]) -> list[str]:
        nonlocal position
        await write
        changes = stores.metadata.changes_since(position)
        position = changes.position
        return list(changes.keys or ())

    ann = Account(id="ann", name="ann", created_ms=0)
    member = Membership(org="Acme", account="ann", role=Role.MEMBER, since_ms=0)
    acme = Organization(id="acme000000", name="Acme", founder="ann", created_ms=0)
    use = TokenUse(owner="ann", token="one", used_ms=0, expires_ms=None)
    ending = Token(
        id="one", hash="hash", owner="ann", name="laptop", grants=(), created_ms=0, expires_ms=5
    )
    assert await changed(directory.add(ann)) == [records_of("ann")]
    assert await changed(directory.add(acme, member)) == [records_of("acme")]
    assert await changed(directory.put(ending)) == [records_of("ann")]
    assert await changed(directory.put(ending)) == [records_of("ann")]
    assert await changed(directory.put(use)) == []
    assert await changed(directory.remove_expired(6)) == [records_of("ann")]
    assert await changed(directory.replace(member)) == [records_of("acme")]
    left = member.model_copy(update={"revision": member.revision + 1})
    assert await changed(directory.remove(left)) == [records_of("acme")]
    assert await changed(directory.remove(ann)) == [records_of("ann")]


async def test_a_process_that_missed_too_many_changes_knows_none(
    stores: EmbeddedStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    position = stores.metadata.changes_since(None).position
    monkeypatch.setattr("shared.adapters.sqlite.metadata.CHANGES_ON_THE_LOOP", 2)
    for name in ("a", "b"):
        await stores.metadata.claim(head(f"acme/{name}"))
    assert sorted(stores.metadata.changes_since(position).keys or ()) == ["acme/a", "acme/b"]
    await stores.metadata.claim(head("acme/c"))
    changes = stores.metadata.changes_since(position)
    assert changes.keys is None
    assert stores.metadata.changes_since(changes.position).keys == []
