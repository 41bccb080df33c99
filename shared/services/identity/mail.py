"""Mail: delivery, and the mail to owners of accounts, tokens and releases.

The texts are templates in `mail_texts.txt`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from shared.domain.accounts import Account
from shared.domain.coordinates import Coordinate
from shared.domain.entities import Place
from shared.domain.errors.base import Unavailable
from shared.domain.mail import EmailAddress, Mail, MailText
from shared.domain.packages import Release
from shared.domain.principals import Principal
from shared.domain.provenance.losses import LostKind
from shared.domain.reasons import acts_from_outside
from shared.domain.release_states import WITHDRAWN, State
from shared.domain.releases import withdrawal_of, withdrawal_text
from shared.domain.role_rights import AccessContext
from shared.domain.times import MS, time_text
from shared.domain.tokens import Token, describe_grants
from shared.ports.directory import DirectoryStore
from shared.ports.mail import Mailer, Undelivered
from shared.ports.system import Clock
from shared.ports.work import WorkStore
from shared.runtime.background_tasks import BackgroundTasks
from shared.services.identity.accounts import (
    accounts_by_ids,
    administrator_accounts,
    organization_owners,
    publishing_accounts,
    responsible_accounts,
)
from shared.services.limits.rate_limits import BURST_WINDOW

_HELD_MAIL_KIND = "held-news"
_REVIEW_MAIL_KIND = "review-wanted"
_REVIEWED_MAIL_KIND = "release-reviewed"
# No second mail about the same decision is sent within this time.
_REVIEWED_MAIL_KEPT_FOR = timedelta(days=7)
_WARNING_MAIL_KIND = "release-warned"
_WARNING_MAIL_KEPT_FOR = timedelta(days=7)
_SCANNER_MAIL_EVERY = timedelta(hours=1)
_MAIL_KIND = "mail"
_SENT = "sent"
# The claim of a process that ended meanwhile lapses after this time.
SENDING_TIME = timedelta(minutes=10)


def _read_texts() -> Mapping[str, MailText]:
    sections = Path(__file__).with_name("mail_texts.txt").read_text("utf-8").split("\n== ")[1:]
    named = {name: text for name, _, text in (each.partition("\n") for each in sections)}
    parts = {name: text.partition("\n\n") for name, text in named.items()}
    return {name: MailText(head, f"{text.strip()}\n") for name, (head, _, text) in parts.items()}


MAIL_TEXTS = _read_texts()


def mail_text(template: str, **values: str) -> MailText:
    """Return a mail of `mail_texts.txt`; a test compares its fields with each call."""
    mail = MAIL_TEXTS[template]
    return MailText(mail.subject.format(**values), mail.text.format(**values))


def reason_text(reason: str, label: str = "Reason") -> str:
    """Return a reason as a paragraph of a mail; empty if there is no reason."""
    return f"{label}: {_printable(reason)}\n\n" if reason else ""


class Appeal(Struct, frozen=True):
    """Where people can appeal against a decision of administrators."""

    abuse_contact: str  # From the settings; empty if the operator names none.

    @property
    def sentence(self) -> str:
        contact = self.abuse_contact.removeprefix("mailto:") or "the operator of the registry"
        return f"If this is a mistake, appeal to {contact}."


class MailDelivery(Struct, frozen=True):
    """Sends mail; a failure never fails the action that the mail is about.

    Calls `failed` once for each mail text with the kind of the first error and the number of failed
    recipients, never with their addresses or the text.
    """

    mailer: Mailer
    failed: Callable[[str, int], None]

    async def send_to_accounts(self, accounts: Iterable[Account], mail: MailText) -> None:
        """Send mail once to each address of the accounts; accounts without one are skipped."""
        addresses = {account.email: None for account in accounts if account.email}
        await self._send(list(map(EmailAddress, addresses)), mail)

    async def send_once(
        self,
        key: str,
        accounts: Iterable[Account],
        mail: MailText,
        *,
        work: WorkStore,
        until_ms: int,
        now_ms: int,
    ) -> int:
        """Send mail to each account that has not yet been sent mail with this key; return to how
        many.

        It counts as sent when the mail server has accepted it. Meanwhile it is claimed, so that no
        other process sends it; a process that ends in between, or a store that fails afterwards,
        can repeat it after `SENDING_TIME`, and nothing loses it.
        """
        sent = 0
        for account in accounts:
            own = f"{key}:{account.id}"
            ends_ms = now_ms + SENDING_TIME // MS
            if not account.email or not await work.claim(
                _MAIL_KIND, own, "sending", expires_ms=ends_ms, now_ms=now_ms
            ):
                continue
            if await self.send(EmailAddress(account.email), mail):
                await work.put(_MAIL_KIND, own, _SENT, until_ms)
                sent += 1
            else:
                await work.take(_MAIL_KIND, own, now_ms)
        return sent

    async def was_sent(self, key: str, account: Account, *, work: WorkStore, now_ms: int) -> bool:
        """Check whether `send_once` sent mail with this key to the account."""
        return await work.peek(_MAIL_KIND, f"{key}:{account.id}", now_ms) == _SENT

    async def send(self, address: EmailAddress, mail: MailText) -> bool:
        """Send mail to an address; say whether the mail server accepted it."""
        return await self._send([address], mail)

    async def _send(self, addresses: list[EmailAddress], mail: MailText) -> bool:
        results = await asyncio.gather(*(self._try(each, mail) for each in addresses))
        problems = [each for each in results if each is not None]
        if problems:
            self.failed(problems[0], len(problems))
        return not problems

    async def _try(self, address: EmailAddress, mail: MailText) -> str | None:
        try:
            await self.mailer.send(Mail(address, *mail))
        except Undelivered as failure:
            return str(failure)
        return None


class DecisionMail(Struct, frozen=True):
    """Tells people by mail what an administrator or the operator took away from them, and why."""

    directory: DirectoryStore
    mail_delivery: MailDelivery
    appeal: Appeal
    clock: Clock
    base_url: str

    async def send_to_organization(self, org: str, what: str, reason: str) -> None:
        """Tell who is responsible for an organization; `what` is a clause."""
        accounts = await responsible_accounts(self.directory, org, self.clock.now_ms())
        page = f"{self.base_url}/account/organizations/{org}"
        await self.mail_delivery.send_to_accounts(accounts, self._mail(what, reason, page))

    async def send_if_from_outside(
        self, by: Principal, access: AccessContext, what: str, reason: str
    ) -> None:
        """Tell who is responsible for an organization, unless an owner of it acted."""
        if access.organization is not None and acts_from_outside(by, access):
            await self.send_to_organization(access.organization.name, what, reason)

    async def send_to_account(self, account: Account, what: str, reason: str) -> None:
        """Tell somebody what was decided about their account; `what` is a clause."""
        page = f"{self.base_url}/account/security"
        await self.mail_delivery.send_to_accounts([account], self._mail(what, reason, page))

    def _mail(self, what: str, reason: str, page: str) -> MailText:
        return mail_text(
            "decision",
            what=what,
            at=time_text(self.clock.now_ms()),
            reason=reason_text(reason),
            page=page,
            appeal=self.appeal.sentence,
        )


class AccountMail(Struct, frozen=True):
    """Sends mail to the owner of an account in the background."""

    directory: DirectoryStore
    mail_delivery: MailDelivery
    base_url: str
    background_tasks: BackgroundTasks

    def send(self, account_id: str, template: str, **values: str) -> None:
        """Start to send a mail of `mail_texts.txt`, which also gets `name` and `url`."""
        self.background_tasks.start(self._send(account_id, template, values))

    async def close(self) -> None:
        """Wait for the mail that is being sent."""
        await self.background_tasks.close()

    async def _send(self, account_id: str, template: str, values: Mapping[str, str]) -> None:
        account = await self.directory.get(Account, Place(account_id))
        if account is not None:
            mail = mail_text(template, name=account.name, url=self.base_url, **values)
            await self.mail_delivery.send_to_accounts([account], mail)


class TokenMail(Struct, frozen=True):
    """Sends mail about a token to its account, or to the owners of its organization."""

    directory: DirectoryStore
    work: WorkStore
    mail_delivery: MailDelivery
    clock: Clock
    base_url: str

    async def send_leaked(self, token: Token, found_at: str, *, until_ms: int) -> None:
        """Send mail about a token that was found in public and is revoked. Until `until_ms` it is
        sent only once."""
        mail = mail_text(
            "token-leaked",
            name=token.name,
            token=_described(token),
            found=f"It was found at {found_at}\n\n" if found_at else "",
            scopes=describe_grants(token.grants),
            page=self._tokens_page(token),
        )
        await self._send(token, f"leaked:{token.hash}", mail, until_ms)

    async def send_expiry_reminder(self, token: Token, lead: timedelta, *, until_ms: int) -> int:
        """Send mail about a token that expires soon, once for each lead; return how many were
        sent."""
        day = datetime.fromtimestamp((token.expires_ms or 0) // 1000, UTC).strftime("%d %B %Y")
        described = _described(token)
        page = self._tokens_page(token)
        mail = mail_text("token-expires", name=token.name, token=described, day=day, page=page)
        return await self._send(token, f"expiry:{token.hash}:{lead.days}", mail, until_ms)

    def _tokens_page(self, token: Token) -> str:
        owner = f"/organizations/{token.org}" if token.org else ""
        return f"{self.base_url}/account{owner}/tokens"

    async def _send(self, token: Token, key: str, mail: MailText, until_ms: int) -> int:
        now_ms = self.clock.now_ms()
        owners = (
            await responsible_accounts(self.directory, token.org, now_ms)
            if token.org
            else await accounts_by_ids(self.directory, [token.owner])
        )
        return await self.mail_delivery.send_once(
            key, owners, mail, work=self.work, until_ms=until_ms, now_ms=now_ms
        )


RELEASES_IN_A_MAIL = 50  # Releases that the mail about a decision on many releases lists.


class ReleaseMail(Struct, frozen=True):
    """Sends mail about a release to the owners of its organization.

    The state of the release is stored before the mail is sent, and stays if the mail fails.
    """

    directory: DirectoryStore
    work: WorkStore
    mail_delivery: MailDelivery
    appeal: Appeal
    clock: Clock
    base_url: str

    async def send_decision(self, release: Release) -> None:
        """Send a statement about a decision of the moderators to those it affects: who is
        responsible for the organization, and who published the release.

        Owners alone read the reason that is for them; everybody else reads the public one.
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
        now_ms = self.clock.now_ms()
        delivery = self.mail_delivery
        with suppress(Unavailable):
            owners = await organization_owners(self.directory, first.org, now_ms)
            responsible = await responsible_accounts(self.directory, first.org, now_ms)
            principals = {each.origin.principal for each in decided}
            publishers = await accounts_by_ids(self.directory, sorted(principals))
            known = {each.id for each in owners}
            addresses = {each.email for each in owners}
            others = {
                each.id: each
                for each in (*responsible, *publishers)
                if each.id not in known and each.email not in addresses
            }
            await delivery.send_to_accounts(owners, statement(reason_text(first.state_reason)))
            await delivery.send_to_accounts(others.values(), statement(""))

    def _statement(self, release: Release, reason: str) -> MailText:
        if release.waits_for_sigstore:
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
        lines = [f"  {each.coordinate}" for each in decided[:RELEASES_IN_A_MAIL]]
        if len(decided) > RELEASES_IN_A_MAIL:
            lines.append(f"  and {len(decided) - RELEASES_IN_A_MAIL:,} more")
        return mail_text(
            f"releases-{first.state.value}",
            org=first.org,
            count=f"{len(decided):,}",
            releases="\n".join(lines),
            at=time_text(first.changed_ms or self.clock.now_ms()),
            reason=reason + _public_reason(first),
            page=self._organization_page(first),
            appeal=self.appeal.sentence,
        )

    async def send_held(self, release: Release) -> None:
        """Send mail about a release that was held: one for each burst, so that a worm cannot flood
        a mailbox.
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
        key = f"{_HELD_MAIL_KIND}:{release.org.lower()}"
        await self._send_once(key, readers, mail, every=BURST_WINDOW)

    async def send_held_by_scanner(self, release: Release) -> None:
        """Tell administrators of a release that the scanner did not accept, but of no other one in
        the same hour: one page lists all of them."""
        mail = mail_text(
            "scanner-held",
            release=str(release.coordinate),
            reason=_printable(release.state_reason),
            page=f"{self.base_url}/manage/releases",
        )
        readers = partial(administrator_accounts, self.directory)
        await self._send_once("scanner-held", readers, mail, every=_SCANNER_MAIL_EVERY)

    async def send_review_wanted(self, release: Release) -> None:
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
        key = f"{_REVIEW_MAIL_KIND}:{release.org.lower()}"
        await self._send_once(key, readers, mail, every=BURST_WINDOW)

    async def send_reviewed(self, release: Release, *, by: str) -> None:
        """Tell the account that published a staged release what was decided, unless it decided
        alone or does not publish in the organization any more: once for a decision, also where that
        is repeated."""
        decision = "refused" if release.refused else "approved"
        publisher = release.origin.principal
        if publisher == by:
            return
        is_live = release.state is State.LIVE
        rest = "It is published." if is_live else _printable(release.state_reason)
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
        await self._send_once(key, readers, mail, every=_REVIEWED_MAIL_KEPT_FOR)

    async def send_warnings(self, release: Release, warnings: Sequence[str]) -> None:
        """Send what the rules warn of to who is responsible for the organization, once for a
        release and these warnings."""
        mail = mail_text(
            "release-warned",
            org=release.org,
            release=str(release.coordinate),
            warnings="\n\n".join(map(_printable, warnings)),
            page=f"{self._organization_page(release)}/rules",
        )
        said = sha256("\n".join(warnings).encode()).hexdigest()[:16]
        readers = partial(responsible_accounts, self.directory, release.org)
        key = f"{_WARNING_MAIL_KIND}:{release.coordinate.key}:{said}"
        await self._send_once(key, readers, mail, every=_WARNING_MAIL_KEPT_FOR)

    async def _send_once(
        self,
        key: str,
        readers: Callable[[int], Awaitable[Iterable[Account]]],
        mail: MailText,
        *,
        every: timedelta,
    ) -> None:
        """Send mail to those who are its readers at that time, unless one with the key was sent
        within `every`."""
        now_ms = self.clock.now_ms()
        with suppress(Unavailable):
            await self.mail_delivery.send_once(
                key,
                await readers(now_ms),
                mail,
                work=self.work,
                until_ms=now_ms + every // MS,
                now_ms=now_ms,
            )

    def _organization_page(self, release: Release) -> str:
        return f"{self.base_url}/account/organizations/{release.org}"


def _public_reason(release: Release) -> str:
    """Return the public reason of a withdrawal as a paragraph."""
    public = withdrawal_text(withdrawal_of(release))
    if not public:
        return "Public reason: none was stated.\n\n" if release.state in WITHDRAWN else ""
    return f"Public reason: {_printable(public)}\n\n"


class PublishedMail(Struct, frozen=True):
    """Sends mail about each new release to all owners of its organization, also to who published
    it, in the background: whoever stole a credential of one of them cannot publish unnoticed."""

    directory: DirectoryStore
    mail_delivery: MailDelivery
    clock: Clock
    base_url: str
    background_tasks: BackgroundTasks
    is_on: bool  # As the setting says.

    def send(self, release: Release) -> None:
        """Start to send mail about a release that was just published."""
        if self.is_on:
            self.background_tasks.start(self._send(release))

    async def close(self) -> None:
        """Wait for the mail that is being sent."""
        await self.background_tasks.close()

    async def _send(self, release: Release) -> None:
        now_ms = self.clock.now_ms()
        with suppress(Unavailable):
            owners = await organization_owners(self.directory, release.org, now_ms)
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
            await self.mail_delivery.send_to_accounts(owners, mail)


DEPENDENTS_NAMED = 20  # Dependents that one mail lists.
_DEPENDENCY_MAIL_KEPT_FOR = timedelta(days=30)


class DependencyMail(Struct, frozen=True):
    """Sends mail about a withdrawn release to the owners of packages that depend on it."""

    work: WorkStore
    mail_delivery: MailDelivery
    clock: Clock
    base_url: str

    async def send_withdrawn(
        self, withdrawal: str, release: Release, owner: Account, dependents: Sequence[str]
    ) -> int:
        """Send mail to the owner, once for a withdrawal; return how many were sent."""
        now_ms = self.clock.now_ms()
        told = withdrawal_text(withdrawal_of(release))
        more = len(dependents) - DEPENDENTS_NAMED
        lines = [f"  {each}" for each in dependents[:DEPENDENTS_NAMED]]
        lines += [f"  and {more:,} more"] if more > 0 else []
        at = release.coordinate
        mail = mail_text(
            "dependency-withdrawn",
            release=str(at),
            reason=f"Reason: {_printable(told)}\n\n" if told else "",
            dependents="\n".join(lines),
            page=f"{self.base_url}/packages/{at.package}/{at.version}",
        )
        return await self.mail_delivery.send_once(
            f"dependency:{withdrawal}",
            [owner],
            mail,
            work=self.work,
            until_ms=now_ms + _DEPENDENCY_MAIL_KEPT_FOR // MS,
            now_ms=now_ms,
        )


class ProvenanceMail(Struct, frozen=True):
    """Sends mail about lost provenance to those who are responsible for the organization."""

    work: WorkStore
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
            work=self.work,
            until_ms=now_ms + _DEPENDENCY_MAIL_KEPT_FOR // MS,
            now_ms=now_ms,
        )


class AdvisoryMail(Struct, frozen=True):
    """Sends mail about advisories: to owners of dependents who asked, and to administrators."""

    work: WorkStore
    directory: DirectoryStore
    mail_delivery: MailDelivery
    clock: Clock
    base_url: str

    async def send(self, key: str, account: Account, findings: Sequence[str]) -> int:
        """Send mail about findings, each a line, to an account, once for a key; return how many
        were sent."""
        mail = mail_text(
            "advisories-affect",
            count=f"{len(findings):,}",
            findings=_listed(findings),
            page=f"{self.base_url}/account/advisories",
        )
        return await self._send_once(f"advisories:{key}", [account], mail)

    async def send_malware(
        self, advisory: str, summary: str, releases: Sequence[str], *, done: str
    ) -> int:
        """Tell administrators once that releases match a record of malware; `done` is the sentence
        that says what became of them."""
        mail = mail_text(
            "malware-matches",
            advisory=advisory,
            summary=_printable(summary),
            releases=_listed(releases),
            done=done,
            page=f"{self.base_url}/advisories/{advisory}",
        )
        now_ms = self.clock.now_ms()
        accounts = await administrator_accounts(self.directory, now_ms)
        matched = sha256("\n".join(releases).encode()).hexdigest()[:16]
        return await self._send_once(f"malware:{advisory}:{matched}", accounts, mail)

    async def _send_once(self, key: str, accounts: Iterable[Account], mail: MailText) -> int:
        now_ms = self.clock.now_ms()
        return await self.mail_delivery.send_once(
            key,
            accounts,
            mail,
            work=self.work,
            until_ms=now_ms + _DEPENDENCY_MAIL_KEPT_FOR // MS,
            now_ms=now_ms,
        )


def _listed(lines: Sequence[str]) -> str:
    more = len(lines) - DEPENDENTS_NAMED
    shown = [f"  {_printable(each)}" for each in lines[:DEPENDENTS_NAMED]]
    return "\n".join([*shown, *([f"  and {more:,} more"] if more > 0 else [])])


def _described(token: Token) -> str:
    whose = f" of the organization {token.org}" if token.org else ""
    return f"The access token {token.name} ({token.id}){whose}"


def _printable(text: str) -> str:
    """Return text without control characters."""
    return "".join(c if c.isprintable() else " " for c in text)
