"""Task `renew-sigstore-root`, every night at 04:50 UTC: renews the trusted root of Sigstore's
public good instance, once a Sigstore bundle came."""

from shared.domain.tasks import TaskReport
from shared.services.maintenance.tasks import Task
from shared.services.provenance.trusted_root_renewal import TrustedRootRenewal

SCHEDULE = "0 50 4 * * *"


class RenewSigstoreRoot(Task, frozen=True):
    id = "renew-sigstore-root"
    title = "Renew the trusted root of Sigstore"
    sentence = (
        "Fetches which authorities and logs Sigstore's public good instance has now, once a "
        "Sigstore bundle came with a push. The last ones stay if that fails."
    )
    schedule = SCHEDULE

    renewal: TrustedRootRenewal

    async def run(self) -> TaskReport:
        renewed = await self.renewal.renew()
        if renewed is None:
            return TaskReport(0, 0)
        if renewed.failure:
            problem = f"The trusted root of Sigstore was not renewed: {renewed.failure}."
            return TaskReport(1, 0, (problem,))
        return TaskReport(1, 1)
