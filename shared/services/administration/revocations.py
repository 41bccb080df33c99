"""The list of revocations: applying it to a restored registry."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from shared.domain.revocations import Revocation, Subject, digest_of, last_of_each
from shared.ports.events import EventReader
from shared.ports.revocations import RevocationStore
from shared.services.administration.account_revocations import (
    AccountRevocations,
    without_locks_of_erased,
)
from shared.services.administration.package_revocations import (
    PackageRevocations,
    is_removal_of_release,
)
from shared.services.administration.record_revocations import RecordRevocations
from shared.services.administration.revocation_report import AppliedRevocations, RevocationReport
from shared.services.record_batches import RECORDS_AT_ONCE
from shared.services.revocation_list import registry_digest


class RevocationApplication(Struct, frozen=True):
    """Applies the acts that a restored registry does not know.

    It makes nothing less strict: what was undone after the backup is left to a person. May be
    repeated.
    """

    store: RevocationStore
    events: EventReader
    accounts: AccountRevocations
    records: RecordRevocations
    packages: PackageRevocations

    async def listed(self) -> list[Revocation]:
        """Return the list of this registry, the oldest act first."""
        return sorted(await self.store.read(), key=lambda each: each.at_ms)

    async def removed_digests(self, others: Iterable[Revocation] = ()) -> frozenset[str]:
        """Return the digests of the releases that were removed or erased."""
        last = last_of_each([*await self.store.read(), *others])
        return frozenset(each.id for each in last if is_removal_of_release(each))

    async def apply(self, others: Iterable[Revocation] = ()) -> AppliedRevocations:
        """Apply the list of this registry and entries of others of the same registry."""
        registry = await registry_digest(self.events)
        listed = [*await self.store.read(), *others]
        own = [each for each in listed if each.registry in ("", registry)]
        report = RevocationReport()
        if foreign := len(listed) - len(own):
            report.undecided.append(
                f"{foreign} entries are of another registry, and were left out."
            )
        # Applied acts are listed anew, by another event: by the time of the first, the last counts.
        unknown = await self._not_in_feed(last_of_each(own))
        about = {
            each: [found for found in unknown if found.about == each.value] for each in Subject
        }
        # First: an account that is erased again has its name hashed by the salt that is kept.
        await self.accounts.retire_names(about[Subject.NAME], report)
        for each in without_locks_of_erased(unknown):
            await self._apply_one(each, report)
        await self.records.remove(about[Subject.RECORD], report)
        await self.records.limit_roles(about[Subject.RECORD], report)
        await self.packages.freeze_organizations(about[Subject.ORGANIZATION], report)
        await self.packages.change_packages(unknown, report)
        known = {each.value for each in Subject}
        if later := sum(each.about not in known for each in unknown):
            report.undecided.append(
                f"{later} acts are of kinds that this version does not know. Upgrade, and run: "
                "ballroom revocations apply"
            )
        return report.finish()

    async def _apply_one(self, revocation: Revocation, report: RevocationReport) -> None:
        """Apply an act about an account or a release; others are applied together."""
        match revocation.about:
            case Subject.ACCOUNT.value:
                await self.accounts.change_account(revocation, report)
            case Subject.ADMINISTRATOR.value:
                await self.accounts.change_administrator(revocation, report)
            case Subject.AUDITOR.value:
                await self.accounts.change_auditor(revocation, report)
            case Subject.RELEASE.value:
                await self.packages.change_release(revocation, report)
            case _:
                pass

    async def _not_in_feed(self, revocations: Sequence[Revocation]) -> list[Revocation]:
        """Return the entries whose events this registry does not have."""
        unknown = {each.event: each for each in revocations}
        last = 0
        while unknown and (numbered := await self.events.since(last, RECORDS_AT_ONCE)):
            for _, event in numbered:
                unknown.pop(digest_of(event.id), None)
            last = numbered[-1][0]
        return list(unknown.values())
