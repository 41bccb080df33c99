"""Mail about advisories."""

from collections.abc import Iterable, Sequence
from hashlib import sha256

from msgspec import Struct

from shared.domain.accounts import Account
from shared.domain.mail import MailText
from shared.domain.sentences import listed, printable_line
from shared.domain.times import MS
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.services.identity.accounts import administrator_accounts
from shared.services.mail_delivery import MAX_LISTED, NOTICE_MAIL_KEPT_FOR, MailDelivery, mail_text


class AdvisoryMail(Struct, frozen=True):
    """Sends mail about advisories: to owners of dependents who asked, and to administrators."""

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
            findings=listed(findings, MAX_LISTED),
            page=f"{self.base_url}/account/advisories",
        )
        return await self._send_once(_key(key), [account], mail)

    async def was_sent(self, key: str, account: Account) -> bool:
        """Check whether `send` sent mail with this key to the account."""
        return await self.mail_delivery.was_sent(_key(key), account)

    async def send_malware(
        self, advisory: str, summary: str, releases: Sequence[str], *, done: str
    ) -> int:
        """Tell administrators once that releases match a record of malware; `done` is the sentence
        that says what became of them."""
        mail = mail_text(
            "malware-matches",
            advisory=advisory,
            summary=printable_line(summary),
            releases=listed(releases, MAX_LISTED),
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
            until_ms=now_ms + NOTICE_MAIL_KEPT_FOR // MS,
        )


def _key(key: str) -> str:
    return f"advisories:{key}"
