"""Telling the owners of an organization what was decided about a release of theirs."""

from contextlib import suppress
from dataclasses import dataclass

from shared.domain.errors import Unavailable
from shared.domain.moderation_letters import moderated_letter
from shared.domain.package import Release
from shared.ports import Clock, DirectoryStore
from shared.services.finding import owners_of
from shared.services.notifying import Notifying


@dataclass(frozen=True, slots=True)
class ModerationNews:
    """Writes a letter for each decision, with its reason."""

    directory: DirectoryStore
    notifying: Notifying
    clock: Clock
    base_url: str

    async def tell(self, release: Release) -> None:
        """Tell owners of a decision, which holds whether they hear of it or not."""
        page = f"{self.base_url}/account/organizations/{release.org}"
        with suppress(Unavailable):
            owners = await owners_of(self.directory, release.org, self.clock.now_ms())
            await self.notifying.tell(owners, *moderated_letter(release, page))
