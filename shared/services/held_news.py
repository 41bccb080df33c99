"""Telling the owners of an organization that releases of theirs wait for them."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from shared.domain.errors import Unavailable
from shared.domain.mails import Letter
from shared.domain.package import Release
from shared.ports import Clock, DirectoryStore, WorkStore
from shared.services.braking import BRAKE_WINDOW
from shared.services.finding import owners_of
from shared.services.notifying import Notifying

_KIND = "held-news"


@dataclass(frozen=True, slots=True)
class HeldNews:
    """Writes one letter a burst, not one a release: a worm shall fill no mailbox."""

    directory: DirectoryStore
    work: WorkStore
    notifying: Notifying
    clock: Clock
    base_url: str

    async def tell(self, release: Release) -> None:
        """Tell owners of a release that was just held; it is, whether they hear of it or not."""
        with suppress(Unavailable):
            if await self._is_first(release):
                owners = await owners_of(self.directory, release.org, self.clock.now_ms())
                await self.notifying.tell(owners, *_letter(release, self.base_url))

    async def _is_first(self, release: Release) -> bool:
        now_ms = self.clock.now_ms()
        ends_ms = now_ms + BRAKE_WINDOW // timedelta(milliseconds=1)
        key, value = release.org.lower(), release.name
        return await self.work.claim(_KIND, key, value, expires_ms=ends_ms, now_ms=now_ms)


def _letter(release: Release, base_url: str) -> Letter:
    text = (
        f"{release.coordinate} was pushed together with many other packages within minutes, so it "
        "is held, and so is what follows it for now: nobody sees or pulls it.\n\n"
        f"It was published by {release.origin.principal} with the credential "
        f"{release.origin.credential}.\n\n"
        "If that was meant, sign in and confirm each release that waits. If it was not, revoke "
        "that credential at once, and tell the operator of the registry.\n\n"
        f"What waits: {base_url}/account/organizations/{release.org}/held\n"
    )
    return Letter(f"Releases of {release.org} wait for you", text)
