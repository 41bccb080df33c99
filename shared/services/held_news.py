"""Telling the owners of an organization that releases of theirs wait for them."""

from contextlib import suppress
from dataclasses import dataclass

from shared.domain.accounts import Account
from shared.domain.entity import Place
from shared.domain.errors import Unavailable
from shared.domain.mails import Letter
from shared.domain.organizations import Membership
from shared.domain.package import Release
from shared.domain.rights import Role
from shared.ports import Clock, DirectoryStore, WorkStore
from shared.services.braking import BRAKE_WINDOW
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
                owners = await self._owners(release.org.lower())
                await self.notifying.tell(owners, *_letter(release, self.base_url))

    async def _is_first(self, release: Release) -> bool:
        now_ms = self.clock.now_ms()
        ends_ms = now_ms + BRAKE_WINDOW.seconds * 1000
        key, value = release.org.lower(), release.name
        return await self.work.claim(_KIND, key, value, expires_ms=ends_ms, now_ms=now_ms)

    async def _owners(self, org: str) -> list[Account]:
        members = await self.directory.of(Membership, org)
        now_ms = self.clock.now_ms()
        owners = [each.account for each in members if each.role_at(now_ms) is Role.OWNER]
        found = [await self.directory.get(Account, Place(each)) for each in owners]
        return [account for account in found if account is not None]


def _letter(release: Release, base_url: str) -> Letter:
    text = (
        f"{release.coordinate} was pushed together with many other packages within minutes, so it "
        "is held, and so is what follows it for now: nobody sees or pulls it.\n\n"
        f"It was published by {release.origin.principal} with the credential "
        f"{release.origin.credential}.\n\n"
        "If that was meant, sign in and confirm each release that waits. If it was not, revoke "
        "that credential at once, and tell the operator of the registry.\n\n"
        f"What waits: {base_url}/api/v1/orgs/{release.org}/held\n"
    )
    return Letter(f"Releases of {release.org} wait for you", text)
