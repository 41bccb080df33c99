"""Mail about releases that lost the provenance of earlier ones."""

from msgspec import Struct

from shared.domain.coordinates import Coordinate
from shared.domain.provenance.losses import LostKind
from shared.domain.times import MS
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.services.identity.accounts import responsible_accounts
from shared.services.mail_delivery import NOTICE_MAIL_KEPT_FOR, MailDelivery, mail_text


class ProvenanceMail(Struct, frozen=True):
    """Sends mail about lost provenance to those who are responsible for the organization."""

    directory: DirectoryStore
    mail_delivery: MailDelivery
    clock: Clock
    base_url: str

    async def send_lost(self, coordinate: Coordinate, lost: LostKind, before: str) -> int:
        """Send mail, once for a release, about what it lost that the version before it had; return
        how many were sent."""
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
