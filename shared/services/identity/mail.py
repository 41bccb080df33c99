"""Mail about decisions of administrators, and mail to the owner of an account."""

from collections.abc import Awaitable, Mapping

from msgspec import Struct

from shared.domain.access_rights import AccessContext
from shared.domain.accounts import Account
from shared.domain.entities import Place
from shared.domain.errors.base import Refusal
from shared.domain.mail import MailText
from shared.domain.principals import Principal
from shared.domain.queued_mail import Audience, Recipients
from shared.domain.reasons import acts_from_outside
from shared.domain.times import time_text
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock
from shared.runtime.background_tasks import BackgroundTasks
from shared.services.mail_delivery import Appeal, MailDelivery, mail_text, reason_text


class DecisionMail(Struct, frozen=True):
    """Tells people by mail what an administrator or the operator took away from them, and why."""

    mail_delivery: MailDelivery
    appeal: Appeal
    clock: Clock
    base_url: str

    async def send_to_organization(self, org: str, what: str, reason: str) -> None:
        """Tell who is responsible for an organization; `what` is a clause."""
        page = f"{self.base_url}/account/organizations/{org}"
        responsible = Recipients(audience=Audience.RESPONSIBLE, org=org)
        await self.mail_delivery.send_to(responsible, self._mail(what, reason, page))

    async def send_if_from_outside(
        self, by: Principal, access: AccessContext, what: str, reason: str
    ) -> None:
        """Tell who is responsible for an organization, unless an owner of it acted."""
        if access.organization is not None and acts_from_outside(by, access):
            await self.send_to_organization(access.organization.name, what, reason)

    async def send_to_account(self, account: str, what: str, reason: str) -> None:
        """Tell somebody what was decided about their account, of which this is the id; `what` is a
        clause."""
        page = f"{self.base_url}/account/security"
        person = Recipients(audience=Audience.ACCOUNTS, accounts=(account,))
        await self.mail_delivery.send_to(person, self._mail(what, reason, page))

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
        """Start to send a mail of `mail_texts.txt`, which also gets `name` and `url`. It is lost if
        a store is unavailable."""
        self.start(self._send(account_id, template, values))

    def start(self, sending: Awaitable[object]) -> None:
        """Start to send mail; that a store is unavailable is logged."""
        self.background_tasks.start(self._logged(sending))

    async def close(self) -> None:
        """Wait for the mail that is being sent."""
        await self.background_tasks.close()

    async def _send(self, account_id: str, template: str, values: Mapping[str, str]) -> None:
        account = await self.directory.get(Account, Place(account_id))
        if account is not None:
            mail = mail_text(template, name=account.name, url=self.base_url, **values)
            await self.mail_delivery.send_to_accounts([account], mail)

    async def _logged(self, sending: Awaitable[object]) -> None:
        try:
            await sending
        except Refusal as refusal:
            self.mail_delivery.on_failure(refusal.code, 1)
