"""Archives move when BALLROOM_READERS is changed, and no copy stays at the edge."""

from pathlib import Path

from shared.domain.archives.containers import ArchiveContainer
from shared.domain.coordinates import Coordinate
from shared.domain.visibility import Readers
from shared.registry import Registry
from shared.services.maintenance.place_archives import PlaceArchives
from tests.support.archives import bala
from tests.support.cloud_registry import clouded

GREET = "acme/greet:1.0.0"
AT = Coordinate.parse("acme", "greet", "1.0.0")


class Edge:
    """An edge that notes what it forgets."""

    def __init__(self) -> None:
        self.forgotten: list[str] = []

    async def forget(self, paths: list[str]) -> None:
        self.forgotten += paths


async def test_the_task_moves_archives_to_where_the_setting_puts_them(tmp_path: Path) -> None:
    edge = Edge()
    async with clouded(tmp_path, edge) as cloud:  # pyright: ignore[reportArgumentType] - the same.
        await cloud.ann.send_archive(GREET, bala(GREET))
        adapters = cloud.registry.adapters
        for readers, container in (
            (Readers.SIGNED_IN, ArchiveContainer.PRIVATE),
            (Readers.EVERYBODY, ArchiveContainer.PUBLIC),
        ):
            settings = cloud.registry.settings.model_copy(update={"readers": readers})
            switched = Registry(settings, adapters)
            task = switched.maintenance.task_runner.tasks[PlaceArchives.id]
            assert isinstance(task, PlaceArchives)
            assert await task.packages_left() == 1
            assert (await task.run()).changed == 1
            assert await task.packages_left() == 0
            assert (await task.run()).seen == 0
            found = await adapters.metadata.find(AT)
            assert found.release
            stored = await adapters.archives.stat(found.release.archive)
            assert stored
            # A public copy is made at once; the private one stays while links to it are used.
            assert stored.container is container
        archives, *tiles = edge.forgotten
        assert archives.startswith("/archives/public/")
        assert tiles == ["/log/tile/", "/logs/"] * 2  # Of both changes.
