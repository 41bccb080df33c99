"""Mail about releases: to owners, to those who publish, and to administrators."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from hashlib import sha256

from msgspec import Struct

from shared.domain.accounts import Account
from shared.domain.errors.base import Unavailable
from shared.domain.mail import MailText
from shared.domain.packages import Release
from shared.domain.queued_mail import Audience, Recipients
from shared.domain.release_states import WITHDRAWN, State
from shared.domain.sentences import listed, printable_line
from shared.domain.times import MS, time_text
from shared.domain.withdrawals import withdrawal_of, withdrawal_text
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.services.identity.accounts import (
    accounts_by_ids,
    administrator_accounts,
    publishing_accounts,
    responsible_accounts,
    unlocked_owners,
)
from shared.services.limits.burst_detection import BURST_WINDOW
from shared.services.mail_delivery import (
    NOTICE_MAIL_KEPT_FOR,
    Appeal,
    MailDelivery,
    mail_text,
    reason_text,
)

_HELD_MAIL_KIND = "held-news"
_REVIEW_MAIL_KIND = "review-wanted"
_REVIEWED_MAIL_KIND = "release-reviewed"

_WARNING_MAIL_KIND = "release-warned"
# No second mail about the same is sent within this time, in which one that was refused is repeated.
_MAIL_KEPT_FOR = timedelta(days=7)
_SCANNER_MAIL_EVERY = timedelta(hours=1)
RELEASES_IN_A_MAIL = 50  # Releases that the mail about a decision on many releases lists.


class ReleaseMail(Struct, frozen=True):
    """Sends mail about a release to the owners of its organization.

    The state of the release is stored before the mail is sent, and stays if the mail fails. Methods
    about a release that waits, and about its warnings, return False if somebody who has an address
    was not sent the mail: the mail server refused it, or a store is away. A repeat sends it to
    those only.
    """

    directory: DirectoryStore
    mail_delivery: MailDelivery
    appeal: Appeal
    clock: Clock
    base_url: str

    async def send_decision(self, release: Release) -> None:
        """Send a statement about a decision of the moderators to those it affects: who is
        responsible for the organization, and who published the release.

        Only owners read the reason that is for them; everybody else reads the public one.
        """
        await self._send_statement([release], partial(self._statement, release))

    async def send_decisions(self, releases: Sequence[Release]) -> None:
        """Send statements about one decision on many releases, as `send_decision` does: one
        statement for each organization."""
        by_org = dict[str, list[Release]]()
        for release in releases:
            by_org.setdefault(release.org, []).append(release)
        for decided in by_org.values():
            if len(decided) == 1:
                await self.send_decision(decided[0])
            else:
                await self._send_statement(decided, partial(self._statement_of_many, decided))

    async def _send_statement(
        self, decided: Sequence[Release], statement: Callable[[str], MailText]
    ) -> None:
        """Send a statement about releases of one organization, which is made with the reason that
        its reader may know."""
        first = decided[0]
        owners = Recipients(audience=Audience.OWNERS, org=first.org)
        publishers = tuple(sorted({each.origin.principal for each in decided}))
        others = Recipients(audience=Audience.INVOLVED, org=first.org, accounts=publishers)
        await self.mail_delivery.send_to(owners, statement(reason_text(first.state_reason)))
        await self.mail_delivery.send_to(others, statement(""))

    def _statement(self, release: Release, reason: str) -> MailText:
        if release.is_held_for_sigstore:
            return mail_text(
                "release-awaits-sigstore",
                release=str(release.coordinate),
                at=time_text(release.changed_ms or self.clock.now_ms()),
                page=self._organization_page(release),
            )
        return mail_text(
            f"release-{release.state.value}",
            release=str(release.coordinate),
            at=time_text(release.changed_ms or self.clock.now_ms()),
            reason=reason + _public_reason(release),
            page=self._organization_page(release),
            appeal=self.appeal.sentence,
        )

    def _statement_of_many(self, decided: Sequence[Release], reason: str) -> MailText:
        first = decided[0]
        return mail_text(
            f"releases-{first.state.value}",
            org=first.org,
            count=f"{len(decided):,}",
            releases=listed([str(each.coordinate) for each in decided], RELEASES_IN_A_MAIL),
            at=time_text(first.changed_ms or self.clock.now_ms()),
            reason=reason + _public_reason(first),
            page=self._organization_page(first),
            appeal=self.appeal.sentence,
        )

    async def send_held(self, release: Release) -> bool:
        """Send mail about a release that was held: one for the releases of ten minutes, so that a
        worm cannot flood a mailbox.
        """
        mail = mail_text(
            "burst-held",
            org=release.org,
            release=str(release.coordinate),
            principal=release.origin.principal,
            credential=release.origin.credential,
            page=f"{self._organization_page(release)}/held",
        )
        readers = partial(responsible_accounts, self.directory, release.org)
        key = f"{_HELD_MAIL_KIND}:{release.org.lower()}:{_period(release, BURST_WINDOW)}"
        return await self._send_once(key, readers, mail)

    async def send_held_by_scanner(self, release: Release) -> bool:
        """Tell administrators of a release that the scanner did not accept, but of no other one in
        the same hour: one page lists all of them."""
        mail = mail_text(
            "scanner-held",
            release=str(release.coordinate),
            reason=printable_line(release.state_reason),
            page=f"{self.base_url}/manage/releases",
        )
        readers = partial(administrator_accounts, self.directory)
        key = f"scanner-held:{_period(release, _SCANNER_MAIL_EVERY)}"
        return await self._send_once(key, readers, mail)

    async def send_review_wanted(self, release: Release) -> bool:
        """Send mail about a release that a rule holds to those who may approve it: one for each
        organization in ten minutes, since its page lists all that wait."""
        mail = mail_text(
            "review-wanted",
            org=release.org,
            release=str(release.coordinate),
            reason=release.state_reason,
            principal=release.origin.principal,
            credential=release.origin.credential,
            page=f"{self._organization_page(release)}/staged",
        )
        readers = partial(publishing_accounts, self.directory, release.org)
        key = f"{_REVIEW_MAIL_KIND}:{release.org.lower()}:{_period(release, BURST_WINDOW)}"
        return await self._send_once(key, readers, mail)

    async def send_reviewed(self, release: Release, *, by: str) -> None:
        """Tell the account that published a staged release what was decided, once for a
        decision, also if that is repeated. An account that decided itself, or no longer publishes
        in the organization, gets no mail."""
        decision = "refused" if release.refused else "approved"
        publisher = release.origin.principal
        if publisher == by:
            return
        is_live = release.state is State.LIVE
        rest = "It is published." if is_live else printable_line(release.state_reason)
        mail = mail_text(
            "release-reviewed",
            release=str(release.coordinate),
            decision=decision,
            rest=rest,
            page=f"{self._organization_page(release)}/packages/{release.name}",
        )

        async def readers(now_ms: int) -> list[Account]:
            members = await publishing_accounts(self.directory, release.org, now_ms)
            return [each for each in members if each.id == publisher]

        key = f"{_REVIEWED_MAIL_KIND}:{release.coordinate.key}:{decision}"
        await self._send_once(key, readers, mail)

    async def send_warnings(self, release: Release, warnings: Sequence[str]) -> bool:
        """Send what the rules warn of to who is responsible for the organization, once for a
        release and these warnings."""
        mail = mail_text(
            "release-warned",
            org=release.org,
            release=str(release.coordinate),
            warnings="\n\n".join(map(printable_line, warnings)),
            page=f"{self._organization_page(release)}/rules",
        )
        digest = sha256("\n".join(warnings).encode()).hexdigest()[:16]
        readers = partial(responsible_accounts, self.directory, release.org)
        key = f"{_WARNING_MAIL_KIND}:{release.coordinate.key}:{digest}"
        return await self._send_once(key, readers, mail)

    async def _send_once(
        self,
        key: str,
        readers: Callable[[int], Awaitable[Iterable[Account]]],
        mail: MailText,
    ) -> bool:
        """Send mail to those who are its readers at that time, unless one with the key was sent
        to them within `_MAIL_KEPT_FOR`; return False if one of them was not sent it."""
        now_ms = self.clock.now_ms()
        with suppress(Unavailable):
            return await self.mail_delivery.send_once_to_all(
                key, await readers(now_ms), mail, until_ms=now_ms + _MAIL_KEPT_FOR // MS
            )
        return False

    def _organization_page(self, release: Release) -> str:
        return f"{self.base_url}/account/organizations/{release.org}"


def _period(release: Release, length: timedelta) -> int:
    """Return the number of the period of that length in which the release was stored as it is. It
    stays the same when mail about it is repeated later."""
    return (release.changed_ms or release.created_ms) // (length // MS)


def _public_reason(release: Release) -> str:
    """Return the public reason of a withdrawal as a paragraph."""
    public = withdrawal_text(withdrawal_of(release))
    if not public:
        return "Public reason: none was stated.\n\n" if release.state in WITHDRAWN else ""
    return f"Public reason: {printable_line(public)}\n\n"


class PublishedMail(Struct, frozen=True):
    """Sends mail about each new release to all owners of its organization, also to who published
    it: whoever stole a credential of one of them cannot publish unnoticed. Locked owners get none,
    who may have left and see no private package."""

    directory: DirectoryStore
    mail_delivery: MailDelivery
    clock: Clock
    base_url: str
    is_on: bool  # As the setting says.

    async def send(self, release: Release) -> bool:
        """Send mail about a release that is published, once; return False if an owner who has an
        address was not sent it: the mail server refused it, or a store is away."""
        now_ms = self.clock.now_ms()
        with suppress(Unavailable):
            owners = await unlocked_owners(self.directory, release.org, now_ms)
            known = await accounts_by_ids(self.directory, [release.origin.principal])
            mail = mail_text(
                "release-published",
                release=str(release.coordinate),
                at=time_text(release.created_ms),
                by=known[0].name if known else release.origin.principal,
                credential=release.origin.credential,
                page=f"{self.base_url}/packages/{release.org}/{release.name}/{release.version}",
                own=f"{self.base_url}/account/organizations/{release.org}/packages/{release.name}",
            )
            return await self.mail_delivery.send_once_to_all(
                f"release-published:{release.coordinate.key}",
                {each.email: each for each in owners}.values(),
                mail,
                until_ms=now_ms + NOTICE_MAIL_KEPT_FOR // MS,
            )
        return False
