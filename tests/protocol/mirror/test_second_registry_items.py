"""Connectors and triggers of a second Ballroom, before and after a pull."""

from typing import Any

import pytest

from tests.protocol.mirror.test_catalogue import catch_up, update
from tests.protocol.mirror.test_second_registry import Pair, pair
from tests.support.documented_packages import documented_bala
from tests.support.mirrors import PULL
from tests.support.world import URL, World

__all__ = ["pair"]

pytestmark = pytest.mark.measured

CONNECTOR = "/connectors/tools/greet/1.0.0/greet/Client"


@pytest.fixture
async def documented(pair: Pair) -> Pair:
    """Return both; the first has the documentation of its packages, and the second its catalogue.

    The second has a package of its own.
    """
    admin = pair.upstream.people.admin
    await pair.upstream.push(documented_bala("tools/greet:1.0.0"), by=admin)
    await document(pair.upstream)
    await pair.mirror.push(documented_bala("acme/greet:1.0.0"))
    await document(pair.mirror)
    await update(pair.mirror)
    for each in pair.mirror.instances:
        each.api_docs.queue.enable()
    return pair


async def document(world: World) -> None:
    await world.registry.api_docs.backfill.document_missing()
    await catch_up(world)


def plain(value: Any) -> Any:
    """Return an answer without what mirroring changes."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    left_out = {"balaURL", "upstream", "pullCount", "readme", "apiDocURL", "modules", "signatures"}
    left_out |= {"sbomURL"}
    return {key: plain(each) for key, each in value.items() if key not in left_out}


@pytest.mark.parametrize("kind", ["connectors", "triggers"])
async def test_lists_have_both(documented: Pair, kind: str) -> None:
    theirs, ours = [
        (await world.get(f"/{kind}?limit=100")).json()
        for world in (documented.upstream, documented.mirror)
    ]
    assert theirs["count"] == 1
    assert ours["count"] == len(ours[kind]) == 2
    [mirrored] = [each for each in ours[kind] if each["orgName"] == "tools"]
    assert plain(mirrored) == plain(theirs[kind][0])


@pytest.mark.parametrize("is_pulled", [False, True])
async def test_a_connector_and_a_trigger_are_the_same_on_the_mirror(
    documented: Pair, is_pulled: bool
) -> None:
    [row] = (await documented.mirror.get("/triggers?org=tools")).json()["triggers"]
    if is_pulled:
        await documented.mirror.get("/packages/tools/greet/1.0.0", headers=PULL)
        await document(documented.mirror)
    for path in (CONNECTOR, f"/triggers/{row['id']}"):
        theirs, ours = [
            (await world.get(path)).json() for world in (documented.upstream, documented.mirror)
        ]
        assert ours.keys() == theirs.keys()
        assert plain(ours) == plain(theirs)


async def test_a_mirrored_symbol_does_not_say_since_when_it_exists(pair: Pair) -> None:
    archives = [documented_bala(f"tools/greet:1.{each}.0") for each in range(1, 3)]
    for archive in archives:
        await pair.upstream.push(archive, by=pair.upstream.people.admin)
    for version in ("1.1.0", "1.2.0"):  # Not 1.0.0.
        await pair.mirror.get(f"/packages/tools/greet/{version}", headers=PULL)
        await document(pair.mirror)
    page = f"{URL}/packages/tools/greet/1.2.0/docs/greet/greetWorld"
    answer = await pair.mirror.get(page, headers={"Accept": "text/html"})
    assert answer.status_code == 200, answer.text[-900:]
    assert "Since" not in answer.text
