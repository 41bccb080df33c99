"""The tasks of a registry with an upstream: its rules, and the catalogue of the upstream."""

from dataclasses import dataclass

from shared.domain.task_runs import TaskReport
from shared.services.maintenance.task import Task
from shared.services.mirroring.catalogue import CatalogueUpdates
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


@dataclass(frozen=True)
class UpdateUpstreamCatalogue(Task):
    id = "update-upstream-catalogue"
    title = "Update the catalogue of the upstream"
    sentence = "Reads which packages the upstream registry has, so that search knows all of them."
    schedule = "25 */5 * * * *"
    runs_first = True

    updates: CatalogueUpdates

    async def run(self) -> TaskReport:
        return await self.updates.run()
