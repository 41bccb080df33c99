"""What organizations use: a task counts their bytes and releases, and tells owners who are near
their limit."""

from datetime import timedelta

from msgspec import Struct

from shared.domain.organizations import Organization, organization_place
from shared.domain.release_states import State
from shared.domain.rules.quota_rule import NEAR_PERCENT, OrganizationUsage, Used, used_percent
from shared.domain.tasks import TaskReport
from shared.domain.times import MS, is_younger
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.runtime.retries import retried_when_stale
from shared.services.identity.accounts import responsible_accounts
from shared.services.mail_delivery import MailDelivery, mail_text
from shared.services.record_batches import PACKAGES_READ_AT_ONCE, all_entities, package_batches

# For organizations without a limit; those with a limit are counted at each run of the task.
COUNTED_EVERY = timedelta(days=1)
MAIL_KEPT_FOR = timedelta(days=30)


class UsageCounts(Struct, frozen=True):
    """Counts what is there. A count may be repeated, and stopped anywhere."""

    directory: DirectoryStore
    metadata: MetadataStore
    mail_delivery: MailDelivery
    clock: Clock
    base_url: str

    async def count_due(self) -> TaskReport:
        """Count the organizations that have a limit, and the others once a day."""
        seen = 0
        changed = 0
        for organization in await all_entities(self.directory, Organization):
            now_ms = self.clock.now_ms()
            if organization.is_deleted_at(now_ms) or not self._is_due(organization, now_ms):
                continue
            seen += 1
            changed += await self.count(organization)
        return TaskReport(seen, changed)

    def _is_due(self, organization: Organization, now_ms: int) -> bool:
        rules = organization.rules
        counted = organization.usage
        is_old = counted is None or not is_younger(counted.counted_ms, COUNTED_EVERY, now_ms)
        return is_old or bool(rules.max_bytes or rules.max_releases)

    async def count(self, organization: Organization) -> bool:
        """Count an organization, and store what it has with its revision; say whether that is other
        than before."""
        # What is pushed during the count is counted by the rule, and again by the next count.
        began_ms = self.clock.now_ms()
        used = await self._used(organization)
        stored = await self._store(organization.name, used, began_ms)
        if stored is None:
            return False
        before = organization.usage
        return before is None or (before.bytes, before.releases) != (used.bytes, used.releases)

    async def _used(self, organization: Organization) -> Used:
        used = Used()
        prefix = f"{organization.key}/"
        async for heads in package_batches(self.metadata, PACKAGES_READ_AT_ONCE, prefix=prefix):
            ours = [head.package for head in heads if not head.upstream]
            for survey in await self.metadata.survey(ours) if ours else ():
                entries = survey.entries if survey else ()
                there = [each for each in entries if each.state is not State.REMOVED]
                used += Used(sum(each.size_bytes for each in there), len(there))
        return used

    @retried_when_stale
    async def _store(self, org: str, used: Used, counted_ms: int) -> Organization | None:
        stored = await self.directory.get(Organization, organization_place(org))
        if stored is None:
            return None
        rules = stored.rules
        percent = used_percent(used, rules.max_bytes, rules.max_releases)
        was_mailed = stored.usage is not None and stored.usage.is_mailed
        is_near = percent >= NEAR_PERCENT
        if is_near and not was_mailed:
            await self._send_mail(stored, used, percent)
        usage = OrganizationUsage(
            bytes=used.bytes, releases=used.releases, counted_ms=counted_ms, is_mailed=is_near
        )
        return await self.directory.replace(stored.model_copy(update={"usage": usage}))

    async def _send_mail(self, organization: Organization, used: Used, percent: int) -> None:
        """Send owners one mail, also where the record is written again after a conflict."""
        now_ms = self.clock.now_ms()
        rules = organization.rules
        name = organization.name
        mail = mail_text(
            "quota-near",
            org=name,
            percent=str(percent),
            bytes=_of(used.bytes, rules.max_bytes, "bytes"),
            releases=_of(used.releases, rules.max_releases, "releases"),
            page=f"{self.base_url}/account/organizations/{name}/rules",
        )
        limits = f"{rules.max_bytes}:{rules.max_releases}"
        await self.mail_delivery.send_once(
            f"quota:{organization.key}:{limits}:{now_ms // (MAIL_KEPT_FOR // MS)}",
            await responsible_accounts(self.directory, name, now_ms),
            mail,
            until_ms=now_ms + MAIL_KEPT_FOR // MS,
        )


def _of(used: int, limit: int, what: str) -> str:
    return f"{used:,} of {limit:,} {what}" if limit else f"{used:,} {what}, without a limit"
