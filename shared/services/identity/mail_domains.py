"""Domains of mail addresses: whether they still belong to the people who proved their addresses.

Nobody signs in or recovers an account by mail. What mail carries is invitations and warnings, which
whoever registers an expired domain would receive. So the addresses in such a domain are no longer
used, until the domain is again what it was.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from urllib.parse import quote

from msgspec import Struct

from shared.domain.accounts import Account
from shared.domain.errors.base import Conflict
from shared.domain.mail import EmailAddress
from shared.domain.mail_domains import (
    MailDomain,
    domain_of,
    mail_domain_place,
    parse_registration,
    possible_registrations,
)
from shared.domain.principals import MAINTENANCE
from shared.domain.queued_mail import Audience, Recipients
from shared.domain.sentences import listed
from shared.domain.tasks import TaskReport
from shared.domain.times import MS
from shared.ports.conflicts import Stale
from shared.ports.directory import DirectoryStore
from shared.ports.http_client import HttpClient, Unanswered
from shared.ports.system import Clock
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.mail_delivery import MailDelivery, mail_text
from shared.services.record_batches import all_entities

MAX_ASKED = 500  # Domains in one run; the domains of the oldest answers come first.
RUN_TIME = timedelta(minutes=7)  # Less than a run of a task may take.
KEPT_FOR = timedelta(days=90)  # After the last answer about a domain.
ACCOUNTS_NAMED = 50  # Accounts that one mail lists.

_NOT_FOUND = 404


class MailDomains(Struct, frozen=True):
    """Asks an RDAP server about the domains of mail addresses, one request at a time.

    An answer that cannot be read, or none, changes nothing. A run may stop anywhere.
    """

    http: HttpClient
    directory: DirectoryStore
    audited_writer: AuditedWriter
    mail_delivery: MailDelivery
    clock: Clock
    rdap_url: str  # Empty: nobody is asked, and every domain is trusted.
    base_url: str

    async def require_trusted(self, address: EmailAddress) -> None:
        """Raise `mail-domain-ended` if the registration of the domain of the address ended."""
        domain = domain_of(address)
        if not self.rdap_url:
            return
        known = await self.directory.get(MailDomain, mail_domain_place(domain))
        if known is not None and known.ended:
            raise Conflict(
                "mail-domain-ended",
                f"The registration of the domain {domain} has ended, so somebody else may read "
                "mail to it. Use another address, or invite without an address and pass the link "
                "on yourself.",
            )

    async def review_all(self) -> TaskReport:
        """Ask about the domains of all accounts, and end or restore the trust in their
        addresses."""
        accounts = await all_entities(self.directory, Account)
        by_domain = defaultdict[str, list[Account]](list)
        for account in accounts:
            if domain := domain_of(account.email or account.distrusted_email):
                by_domain[domain].append(account)
        known = {each.domain: each for each in await all_entities(self.directory, MailDomain)}
        changed = dict[str, Account]()

        async def apply(answer: MailDomain) -> None:
            accounts = [changed.get(each.id, each) for each in by_domain[answer.domain]]
            changed.update({each.id: each for each in await self._apply(answer, accounts)})

        # An earlier run may have stored an answer, and failed before it was applied.
        for domain in sorted(by_domain.keys() & known.keys()):
            await apply(known[domain])
        problems = list[str]()
        until_ms = self.clock.now_ms() + RUN_TIME // MS
        for domain in _longest_ago(list(by_domain), known)[:MAX_ASKED]:
            if self.clock.now_ms() >= until_ms:
                break
            try:
                current = await self._ask(domain, known.get(domain))
            except Unanswered as failure:
                problems.append(f"{domain}: {failure}")
                continue
            if current is not None:
                await self.directory.put(current)
                await apply(current)
        await self._send_mail([each for each in changed.values() if each.distrusted_email])
        return TaskReport(len(by_domain), len(changed), tuple(problems))

    async def _ask(self, domain: str, known: MailDomain | None) -> MailDomain | None:
        """Return what is known now; None if no registration was ever found."""
        now_ms = self.clock.now_ms()
        names = [known.registered_name] if known else list(possible_registrations(domain))
        for name in names:
            url = f"{self.rdap_url}/domain/{quote(name, safe='')}"
            answer = await self.http.get(url, {"Accept": "application/rdap+json"})
            if answer.status == _NOT_FOUND:
                continue
            registration = parse_registration(answer.json_object())
            return MailDomain(
                domain=domain,
                registered_name=name,
                registered_ms=registration.registered_ms,
                ended=registration.is_ended_at(now_ms),
                checked_ms=now_ms,
                expires_ms=now_ms + KEPT_FOR // MS,
            )
        gone = {"ended": True, "checked_ms": now_ms, "expires_ms": now_ms + KEPT_FOR // MS}
        return known and known.model_copy(update=gone)

    async def _apply(self, domain: MailDomain, accounts: Sequence[Account]) -> list[Account]:
        results = await asyncio.gather(*(self._apply_to(domain, each) for each in accounts))
        return [each for each in results if each]

    async def _apply_to(self, domain: MailDomain, account: Account) -> Account | None:
        """End or restore the trust in the address of an account; None if nothing changes."""
        is_trusted = domain.is_trusted_since(account.created_ms)
        if is_trusted == bool(account.email):
            return None
        if is_trusted:
            kind = "account.mail-trusted"
            update = {"email": account.distrusted_email, "distrusted_email": ""}
        else:
            kind = "account.mail-distrusted"
            update = {"email": "", "distrusted_email": account.email}
        details = {"domain": domain.domain}
        change = EntityChange(kind, account.id, account=account.id, details=details)
        try:
            changed = account.model_copy(update=update)
            return await self.audited_writer.replace(changed, change=change, by=MAINTENANCE)
        except Stale:
            return None  # Somebody changed the account; the next run decides again.

    async def _send_mail(self, accounts: Sequence[Account]) -> None:
        """Tell administrators. The people themselves are not mailed, because somebody else may
        read it: their pages say it."""
        if not accounts:
            return
        lines = [f"{each.name} ({domain_of(each.distrusted_email)})" for each in accounts]
        mail = mail_text(
            "mail-distrusted", accounts=listed(lines, ACCOUNTS_NAMED), url=self.base_url
        )
        await self.mail_delivery.send_to(Recipients(audience=Audience.ADMINISTRATORS), mail)


def _longest_ago(domains: Sequence[str], known: Mapping[str, MailDomain]) -> list[str]:
    return sorted(domains, key=lambda each: (known[each].checked_ms if each in known else 0, each))
