"""Task `apply-mirror-rules`, every hour at minute 35: withholds stored releases that the rules of
the mirror do not allow, and serves them again when the rules allow them."""

from shared.domain.tasks import TaskReport
from shared.services.maintenance.tasks import Task
from shared.services.mirroring.mirror_rules import MirrorRuleApplication

SCHEDULE = "0 35 * * * *"


class ApplyMirrorRules(Task, frozen=True):
    id = "apply-mirror-rules"
    title = "Apply the rules of the mirror"
    sentence = (
        "Withholds stored releases that the rules of the mirror do not allow or whose name moved "
        "to another registry, and serves them again when both allow it."
    )
    schedule = SCHEDULE

    rule_application: MirrorRuleApplication

    async def run(self) -> TaskReport:
        return await self.rule_application.apply()
