"""Notices about lost provenance: mail for the owners of a package whose new release was not
published as the one before it was.

Everything may be repeated: mail is sent once, and how far the feed was read is stored afterwards.
"""

from collections.abc import Sequence
from datetime import timedelta

from msgspec import Struct

from shared.domain.coordinates import Coordinate
from shared.domain.events import Event
from shared.domain.provenance.losses import LostKind, ProvenanceLoss, first_loss
from shared.domain.release_states import SERVABLE, State
from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.ports.directory import DirectoryStore
from shared.ports.events import EventReader
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.ports.work import WorkStore
from shared.services.feed_position import FeedPosition, event_batches
from shared.services.identity.accounts import responsible_accounts
from shared.services.mail_delivery import NOTICE_MAIL_KEPT_FOR, MailDelivery, mail_text
from shared.services.provenance.sigstore_bundles import ACCEPTED_FOR

# Nobody is told about older releases, for example after an upgrade.
TOLD_FOR = timedelta(days=7)

_KIND = "provenance-notices"
_KEY = "number"
_PUBLISHED = "release.published"


class ProvenanceNotices(Struct, frozen=True):
    """Follows the feed of events, one release after the other, in batches."""

    events: EventReader
    metadata: MetadataStore
    directory: DirectoryStore
    work: WorkStore
    mail_delivery: MailDelivery
    clock: Clock
    base_url: str

    async def run(self, until_ms: int) -> TaskReport:
        """Tell owners about new releases until that time; the next run continues with the rest.

        A release whose Sigstore bundle may still come is looked at again, and those after it too.
        """
        position = FeedPosition(self.work, self.clock, _KIND, _KEY)
        began = await position.load_number()
        number = began
        waits_at: int | None = None  # The last event before the first release that may get one.
        seen = 0
        sent = 0
        async for batch in event_batches(self.events, number, self.clock, until_ms):
            losses = await self._losses([event for _, event in batch])
            for each, event in batch:
                if loss := losses.get(event.id):
                    seen += 1
                    if self._may_be_made_good(loss):
                        waits_at = number if waits_at is None else waits_at
                    else:
                        coordinate = Coordinate.from_text(event.subject)
                        sent += await self._send_mail(coordinate, loss.lost, loss.before)
                number = each
                if self.clock.now_ms() >= until_ms:  # Each mail may take seconds.
                    break
        read = number if waits_at is None else waits_at
        if read != began:
            await position.save(str(read))
        return TaskReport(seen, sent)

    async def _losses(self, events: Sequence[Event]) -> dict[str, ProvenanceLoss]:
        """Return what releases that were published lately lost, by the ids of their events."""
        since_ms = self.clock.now_ms() - TOLD_FOR // MS
        published = {
            each.id: Coordinate.from_text(each.subject)
            for each in events
            if each.kind == _PUBLISHED and each.at_ms >= since_ms
        }
        packages = {each.package.key: each.package for each in published.values()}
        surveys = await self.metadata.survey(list(packages.values())) if packages else []
        entries = {key: each.entries for key, each in zip(packages, surveys, strict=True) if each}
        found = {
            event: first_loss(entries.get(each.package.key, ()), each.version.text)
            for event, each in published.items()
        }
        return {event: loss for event, loss in found.items() if loss and _is_served(loss)}

    def _may_be_made_good(self, loss: ProvenanceLoss) -> bool:
        age_ms = self.clock.now_ms() - loss.entry.created_ms
        return loss.lost is LostKind.SIGSTORE and age_ms <= ACCEPTED_FOR // MS

    async def _send_mail(self, coordinate: Coordinate, lost: LostKind, before: str) -> int:
        """Send mail, once for a release, about the provenance that only the version before it has;
        return how many were sent."""
        package = coordinate.package
        page = f"{self.base_url}/packages/{package}/{coordinate.version}"
        organization = f"{self.base_url}/account/organizations/{package.org}"
        settings = f"{organization}/settings#provenance"
        mail = (
            mail_text(
                "provenance-lost",
                release=str(coordinate),
                before=before,
                page=page,
                tokens=f"{organization}/tokens",
                settings=settings,
            )
            if lost is LostKind.CI
            else mail_text(
                "sigstore-lost",
                release=str(coordinate),
                before=before,
                page=page,
                settings=settings,
            )
        )
        now_ms = self.clock.now_ms()
        return await self.mail_delivery.send_once(
            f"provenance:{lost.value}:{coordinate.key}",
            await responsible_accounts(self.directory, package.org, now_ms),
            mail,
            until_ms=now_ms + NOTICE_MAIL_KEPT_FOR // MS,
        )


def _is_served(loss: ProvenanceLoss) -> bool:
    """Check whether somebody gets the release, or gets it as soon as an owner says so. A release
    that is held for its missing bundle is published with it."""
    if loss.lost is LostKind.SIGSTORE:
        return loss.entry.state is State.LIVE
    return loss.entry.state in SERVABLE
