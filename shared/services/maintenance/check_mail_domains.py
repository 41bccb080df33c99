"""Task `check-mail-domains`, every night at 05:10 UTC: asks whether the domains of mail addresses
are still registered as before."""

from shared.domain.tasks import TaskReport
from shared.services.identity.mail_domains import MailDomains
from shared.services.maintenance.tasks import Task

SCHEDULE = "0 10 5 * * *"


class CheckMailDomains(Task, frozen=True):
    id = "check-mail-domains"
    title = "Check mail domains"
    sentence = (
        "Asks an RDAP server whether the domains of mail addresses are still registered as before, "
        "and stops using the addresses of those that are not."
    )
    schedule = SCHEDULE
    runs_first = True  # Nobody asked before the setting was set.

    mail_domains: MailDomains

    async def run(self) -> TaskReport:
        return await self.mail_domains.review_all()
