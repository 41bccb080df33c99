"""Mail to the owners of packages whose dependencies were withdrawn or deprecated."""

from collections.abc import Sequence

from msgspec import Struct

from shared.domain.accounts import Account
from shared.domain.packages import Release
from shared.domain.sentences import listed
from shared.domain.times import MS
from shared.domain.withdrawals import withdrawal_of, withdrawal_text
from shared.ports.system import Clock
from shared.services.mail_delivery import (
    MAX_LISTED,
    NOTICE_MAIL_KEPT_FOR,
    MailDelivery,
    mail_text,
    reason_text,
)


class DependencyMail(Struct, frozen=True):
    """Sends mail about a withdrawn release to the owners of packages that depend on it."""

    mail_delivery: MailDelivery
    clock: Clock
    base_url: str

    async def send_withdrawn(
        self, withdrawal: str, release: Release, owner: Account, dependents: Sequence[str]
    ) -> int:
        """Send mail to the owner, once for a withdrawal; return how many were sent."""
        now_ms = self.clock.now_ms()
        told = withdrawal_text(withdrawal_of(release))
        at = release.coordinate
        mail = mail_text(
            "dependency-withdrawn",
            release=str(at),
            reason=reason_text(told),
            dependents=listed(dependents, MAX_LISTED),
            page=f"{self.base_url}/packages/{at.package}/{at.version}",
        )
        return await self.mail_delivery.send_once(
            f"dependency:{withdrawal}",
            [owner],
            mail,
            until_ms=now_ms + NOTICE_MAIL_KEPT_FOR // MS,
        )
