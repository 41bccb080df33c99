"""Mail to many recipients."""

import asyncio

from shared.domain.accounts import Account
from shared.domain.mail import Mail, MailText
from shared.services.mail_delivery import MAX_SENT_AT_ONCE
from tests.fakes.mail import FakeMailer
from tests.fakes.services import fake_mail_delivery
from tests.fakes.stores import FakeDirectory
from tests.fakes.system import FakeClock

OWNERS = [
    Account(id=f"owner{number}", name=f"owner{number}", email=f"{number}@example.org", created_ms=0)
    for number in range(5 * MAX_SENT_AT_ONCE)
]


class SlowMailer(FakeMailer):
    """Counts the mails that are being passed on."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.most = 0

    async def send(self, mail: Mail) -> None:
        """Take a mail after others had the chance to come."""
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0)
        self.now -= 1
        await super().send(mail)


async def test_only_a_few_mails_are_passed_on_at_once() -> None:
    mailer = SlowMailer()
    delivery = fake_mail_delivery(mailer, FakeDirectory(), FakeClock())
    mail = MailText("A subject", "A text")
    await asyncio.gather(
        delivery.send_to_accounts(OWNERS, mail), delivery.send_to_accounts(OWNERS, mail)
    )
    assert mailer.most == MAX_SENT_AT_ONCE
    assert sorted(each.to for each in mailer.sent) == sorted(2 * [each.email for each in OWNERS])
