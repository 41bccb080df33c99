"""Withholds stored releases that the rules of the mirror, or the owner of their name, do not allow,
and serves them again when both do.
"""

from dataclasses import dataclass

from shared.domain.maintenance_tasks import TaskReport
from shared.domain.mirror_rules import MirrorRules, Verdict, apply_mirror_rules
from shared.domain.names import Coordinate, OrgName
from shared.domain.packages import Head, Release, ReleaseEntry, State, Survey
from shared.ports import Clock, MetadataStore
from shared.services.mirroring.name_owners import NameOwners
from shared.services.mirroring.pinned_digests import MIRROR
from shared.services.mirroring.upstreams import Upstreams
from shared.services.packages.derived_data import PackageRecordWriter
from shared.services.records import package_batches

PACKAGES_READ_AT_ONCE = 100


@dataclass(frozen=True)
class WithheldReleases:
    """Changes the state of stored releases. Every change is repeatable and stops anywhere."""

    upstreams: Upstreams
    owners: NameOwners
    metadata: MetadataStore
    records: PackageRecordWriter
    clock: Clock

    async def apply(self) -> TaskReport:
        """Withhold and restore releases of all packages that upstreams have or had. Packages that
        are ours alone are not read."""
        rules, seen, changed = await self.upstreams.stored_rules(), 0, 0
        owners = {each.org.lower(): each.upstream for each in await self.owners.all()}
        async for heads in package_batches(self.metadata, PACKAGES_READ_AT_ONCE):
            packages = [each.package for each in heads if each.upstream or owners.get(_org(each))]
            surveys = await self.metadata.survey(packages) if packages else []
            for survey in filter(None, surveys):
                seen += 1
                changed += await self._apply_to(survey, rules, owners.get(_org(survey.head)))
        return TaskReport(seen, changed)

    async def apply_to(self, org: OrgName, owner: str) -> int:
        """Withhold and restore releases of an organization for an owner of its name; return how
        many changed."""
        rules, changed = await self.upstreams.stored_rules(), 0
        prefix = f"{org.lower()}/"
        async for heads in package_batches(self.metadata, PACKAGES_READ_AT_ONCE, prefix=prefix):
            for head in heads:
                for release in await self.metadata.releases(head.package):
                    changed += await self._change(release.coordinate, rules, owner)
        return changed

    async def _apply_to(self, survey: Survey, rules: MirrorRules, owner: str | None) -> int:
        """Read only releases that may have to change: a registry has many that need not."""
        head = survey.head
        is_moved = owner is not None and owner != head.upstream
        is_denied = rules.choose(head.package).verdict is Verdict.DENIED
        changed = 0
        for entry in survey.entries:
            refused = bool(head.upstream) and (is_denied or rules.is_frozen(entry.created_ms))
            if _may_change(entry, is_refused=refused or is_moved):
                coordinate = head.package.at(entry.parsed)
                changed += await self._change(coordinate, rules, owner)
        return changed

    async def _change(self, coordinate: Coordinate, rules: MirrorRules, owner: str | None) -> bool:
        now_ms = self.clock.now_ms()

        def decide(_head: Head, release: Release) -> Release:
            return apply_mirror_rules(rules, release, owner, by=MIRROR, now_ms=now_ms)

        release, is_changed = await self.records.store_release(coordinate, decide)
        if is_changed:
            await self.records.derived_data.update(release)
        return is_changed


def _org(head: Head) -> str:
    return head.org.lower()


def _may_change(entry: ReleaseEntry, *, is_refused: bool) -> bool:
    if is_refused:
        return entry.state in (State.LIVE, State.HELD)
    return entry.state is State.QUARANTINED
