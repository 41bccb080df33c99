"""The registry: every service by name."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, fields
from datetime import timedelta
from functools import cached_property
from pathlib import Path

from shared.composing.packages import Packages
from shared.composing.world import World
from shared.domain.archive_name import ArchiveName
from shared.ports import ArchiveStore, ChangeSource, Clock
from shared.registry import Registry
from shared.services.auditing import Auditing
from shared.services.censuses import Censuses
from shared.services.enumerating import Enumerating
from shared.services.feeding import Feeding
from shared.services.mending import Mending
from shared.services.overseeing import Overseeing
from shared.services.reminding import Reminding
from shared.services.restoring import Bytes, Restoring
from shared.services.runs import Runs
from shared.services.searching import Searching
from shared.services.shelving import Shelf
from shared.services.showcasing import Showcasing
from shared.services.snapshotting import Snapshotting
from shared.services.upkeep import (
    Expiring,
    Forgetting,
    Refreshing,
    RollingUp,
    Settling,
    Sweeping,
    Upkeep,
)
from shared.services.walking import Walking
from shared.services.wishing import Wishing
from shared.settings import Settings


def compose(settings: Settings, world: World) -> Registry:
    """Return the registry with these settings over this choice of adapters."""
    return Whole(settings, world).registry()


@dataclass(frozen=True)
class Whole(Packages):
    """Every service once, made when the first other one needs it."""

    def registry(self) -> Registry:
        """Return everything that the faces may ask for: each field by the service of its name."""
        return Registry(**{field.name: getattr(self, field.name) for field in fields(Registry)})

    @property
    def clock(self) -> Clock:
        """Return the source of time."""
        return self.world.clock

    @property
    def archives(self) -> ArchiveStore:
        """Return the balas."""
        return self.world.archives

    @property
    def archive_path(self) -> Callable[[ArchiveName], Path] | None:
        """Return what names the file of an archive, where archives are files."""
        return self.world.archive_path

    @property
    def edition(self) -> Callable[[], Hashable] | None:
        """Return what changes with every write, where stores can tell."""
        return self.world.edition

    @property
    def enumerating(self) -> Enumerating:
        """Return what lists packages."""
        return Enumerating(self.browsing, self.world.clock)

    @property
    def showcasing(self) -> Showcasing:
        """Return what says what there is."""
        return Showcasing(self.world.search, self._censuses, self.world.clock)

    @property
    def searching(self) -> Searching:
        """Return what finds packages."""
        return Searching(self.world.search, self.authorization)

    @property
    def feeding(self) -> Feeding | None:
        """Return what brings changes to the searches, where that takes somebody."""
        return None if self.world.feed is None else Feeding(self.world.feed)

    @property
    def changes(self) -> ChangeSource | None:
        """Return the changes of what is stored, where a host can read them."""
        return self.world.changes

    async def probe(self) -> None:
        """Raise unless the stores answer and there is a key to sign with."""
        await self.world.metadata.packages("", 1)
        await self.world.keys.ready()

    async def require_writable(self) -> None:
        """Raise if the disk that everything lies on takes no more data."""
        if self.world.writable is not None:
            await self.world.writable()

    async def close(self) -> None:
        """Write what is only in memory, and let go of the stores."""
        await self.counting.close()
        await self.authentication.close()
        await self.sign_in.noticing.close()
        await self.bulletins.close()
        self.reading.close()
        self.renderings.close()
        await self.world.close()

    @cached_property
    def upkeep(self) -> Upkeep:
        """Return the tasks that keep a registry clean and true."""
        world, walking = self.world, self._walking
        tasks = {
            "settle": Settling(world.metadata, self.deriving, world.directory, world.events).run,
            "sweep": self._sweeping().run,
            "roll-up": RollingUp(world.pulls, self.deriving, world.clock).run,
            "expire": Expiring(world.directory, world.work, world.clock, self.token_lineage).run,
            "audit": Auditing(world.metadata, world.archives, self.reading, walking).run,
            "forget": Forgetting(world.events, world.clock, self.settings.audit_days).run,
            "prove": self.proving.run,
            "keep": self.closing.run,
            "remind": Reminding(world.directory, world.work, world.clock, self.token_news).run,
            "mend": self._mending().run,
            "snapshot": self.snapshotting.run,
            "refresh": Refreshing(self.deriving, walking).run,
        }
        if self.feeding is not None:
            tasks |= {"search": self.feeding.catch_up, "search-rebuild": self.feeding.rebuild}
        runs = Runs(world.work, world.clock)
        return Upkeep(world.work, world.clock, world.randomness, self.pausing, runs, tasks)

    @cached_property
    def wishing(self) -> Wishing:
        """Return what runs tasks that somebody asked for."""
        return Wishing(
            administration=self.administration,
            tasks=self.upkeep.tasks,
            directory=self.world.directory,
            recording=self.recording,
            pausing=self.pausing,
            clock=self.world.clock,
        )

    @property
    def overseeing(self) -> Overseeing:
        """Return what says how the registry is."""
        world = self.world
        return Overseeing(
            administration=self.administration,
            upkeep=self.upkeep,
            wishing=self.wishing,
            limiting=self.limiting,
            metadata=world.metadata,
            directory=world.directory,
            censuses=self._censuses,
            bulletins=self.bulletins,
            room=world.room,
            clock=world.clock,
        )

    @property
    def snapshotting(self) -> Snapshotting:
        """Return what writes all records down."""
        world = self.world
        return Snapshotting(
            metadata=world.metadata,
            directory=world.directory,
            events=world.events,
            pulls=world.pulls,
            shelf=Shelf(world.snapshots),
            censuses=self._censuses,
            clock=world.clock,
            kept=timedelta(days=self.settings.snapshot_days),
        )

    @property
    def restoring(self) -> Restoring:
        """Return what reads a snapshot again."""
        world = self.world
        return Restoring(
            metadata=world.metadata,
            directory=world.directory,
            events=world.events,
            pulls=world.pulls,
            work=world.work,
            clock=world.clock,
            here=Bytes(world.archives, world.documents),
            deriving=self.deriving,
        )

    @cached_property
    def _censuses(self) -> Censuses:
        return Censuses(self.world.work, self.world.clock)

    @property
    def _walking(self) -> Walking:
        return Walking(self.world.metadata, self.world.work, self.world.clock)

    def _mending(self) -> Mending:
        return Mending(
            metadata=self.world.metadata,
            documents=self.world.documents,
            archives=self.world.archives,
            deriving=self.deriving,
            reading=self.reading,
            walking=self._walking,
        )

    def _sweeping(self) -> Sweeping:
        return Sweeping(
            metadata=self.world.metadata,
            documents=self.world.documents,
            archives=self.world.archives,
            walking=self._walking,
            grace=timedelta(hours=self.settings.sweep_grace_hours),
        )
