"""Everything is derived again from the releases."""

from shared.domain.identity import OPERATOR
from shared.domain.names import Coordinate
from shared.domain.search import Query, ResultPage
from tests.support.archives import bala
from tests.support.world import World

GREET = Coordinate.parse("acme", "greet", "1.0.0")


async def test_refreshing_derives_every_package_again(world: World) -> None:
    for name in ("greet", "other"):
        await world.push(bala(f"acme/{name}:1.0.0"))
    await world.stores.search.remove(GREET.package)
    report = await world.registry.maintenance.upkeep.run("rebuild-derived-data")
    assert report is not None
    assert (report.seen, report.changed) == (2, 1)
    found = await world.registry.packages.search.search(Query(), ResultPage(), by=OPERATOR)
    assert found.count == 2
