"""Kept invitations: those that somebody has opened and not answered yet."""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

from shared.domain.errors import TakesNoChanges
from shared.domain.identity import Principal
from shared.domain.invitations import (
    Invitation,
    KeptInvitation,
    place_of_invitation,
    place_of_kept,
)
from shared.domain.names import OrgName
from shared.domain.organization_errors import InvitationNotFound
from shared.domain.organizations import Organization
from shared.ports import DirectoryStore
from shared.services.inviting import Inviting, Opened
from shared.services.pausing import Pausing


@dataclass(frozen=True, slots=True)
class KeptInvitations:
    """Lets people answer an invitation later, without its link."""

    directory: DirectoryStore
    inviting: Inviting
    pausing: Pausing

    async def open(self, code: str, *, by: Principal) -> Opened:
        """Return what the code offers, and keep that for `by`; raise `InvitationNotFound`.

        While the registry takes no changes it is shown all the same.
        """
        opened = await self.inviting.show(code, by=by)
        with suppress(TakesNoChanges):
            await self.pausing.admit()
            await self.directory.put(KeptInvitation.of(opened.invitation, by.id))
        return opened

    async def of(self, *, by: Principal) -> list[Opened]:
        """Return what `by` has opened and can still accept, what ends first first."""
        found = [each async for each in self._found(by)]
        return sorted(found, key=lambda each: each.invitation.expires_ms)

    async def accept(self, org: OrgName, invitation_id: str, *, by: Principal) -> Organization:
        """Make `by` a member as offered; raises as `Inviting.accept` does."""
        return await self.inviting.admit(await self._opened(org, invitation_id, by), by=by)

    async def decline(self, org: OrgName, invitation_id: str, *, by: Principal) -> None:
        """End the invitation; raise `InvitationNotFound`."""
        await self.inviting.turn_down(await self._opened(org, invitation_id, by), by=by)

    async def _found(self, by: Principal) -> AsyncIterator[Opened]:
        for kept in await self.directory.of(KeptInvitation, by.id):
            try:
                yield await self._valid(kept)
            except InvitationNotFound:
                continue  # It was answered, withdrawn, or sent anew; upkeep forgets it.

    async def _opened(self, org: OrgName, invitation_id: str, by: Principal) -> Opened:
        kept = await self.directory.get(KeptInvitation, place_of_kept(by.id, org, invitation_id))
        if kept is None:
            raise InvitationNotFound
        return await self._valid(kept)

    async def _valid(self, kept: KeptInvitation) -> Opened:
        place = place_of_invitation(kept.org, kept.id)
        invitation = await self.directory.get(Invitation, place)
        if invitation is None or invitation.code_hash != kept.code_hash:
            raise InvitationNotFound
        return await self.inviting.valid(invitation)
