"""Looks up the DNS records of all verified domains, and ends the verification of those without:
somebody else may own the domain by now.
"""

from dataclasses import dataclass

from shared.domain.errors.base import Unavailable
from shared.domain.organizations import OrganizationDomain
from shared.domain.task_runs import TaskReport
from shared.ports import DirectoryStore, Stale
from shared.services.maintenance.task import Task
from shared.services.organizations.domain_verification import DomainVerification
from shared.services.records import all_entities


@dataclass(frozen=True)
class CheckDomains(Task):
    id = "check-domains"
    title = "Check verified domains"
    sentence = (
        "Checks the TXT record of every verified domain, and removes the verification if it is "
        "gone."
    )
    schedule = "0 10 4 * * *"

    directory: DirectoryStore
    domain_verification: DomainVerification

    async def run(self) -> TaskReport:
        domains = await all_entities(self.directory, OrganizationDomain)
        verified = [each for each in domains if each.verified_ms is not None]
        lapsed, problems = 0, list[str]()
        for each in verified:
            try:
                lapsed += await self.domain_verification.end_if_unproven(each)
            except (Unavailable, Stale) as failure:
                problems.append(f"{each.domain}: {str(failure) or 'it was changed meanwhile.'}")
        return TaskReport(len(verified), lapsed, tuple(problems))
