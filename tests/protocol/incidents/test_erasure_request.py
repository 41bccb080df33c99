"""The commands for an erasure request."""

from pathlib import Path

import pytest

from shared.domain.errors.identity import AccountExists
from shared.domain.principals import OPERATOR
from tests.support.incident_page import follow
from tests.support.storage import one_machine
from tests.support.world import World

pytestmark = one_machine("its commands find a data folder")


async def test_an_erasure_request_is_answered_and_nobody_gets_the_name(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    accounts = world.registry.identity.accounts
    kim = await accounts.create("kim", by=OPERATOR)
    printed = await follow(world, "An erasure request")
    assert (tmp_path / "kim.json").read_text().startswith("{")
    assert "The account kim will be erased at" in printed
    assert "The account kim will not be erased." in printed
    assert f"Erased the account {kim.id}" in printed
    assert await world.registry.administration.account_erasures.pending(kim.id) is None
    log = [event for _, event in await world.stores.events.stream(f"account:{kim.id}", None, 50)]
    assert [each.kind for each in log] == [
        "account.deleted",
        "account.kept",
        "account.erasing",
        "account.exported",
        "account.created",
    ]
    assert not any("kim" in each.model_dump_json() for each in log)
    with pytest.raises(AccountExists):
        await accounts.create("kim", by=OPERATOR)
