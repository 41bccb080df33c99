"""Applies the rules of the mirror to stored releases: finishes what a change began."""

from dataclasses import dataclass

from shared.domain.task_runs import TaskReport
from shared.services.maintenance.task import Task
from shared.services.mirroring.mirror_rules import RuleApplication


@dataclass(frozen=True)
class ApplyMirrorRules(Task):
    id = "apply-mirror-rules"
    title = "Apply the rules of the mirror"
    sentence = (
        "Withholds stored releases that the rules of the mirror do not allow or whose name moved "
        "to another registry, and serves them again when both allow it."
    )
    schedule = "0 35 * * * *"

    rule_application: RuleApplication

    async def run(self) -> TaskReport:
        return await self.rule_application.apply()
