"""Administrators see how the registry is, as far as its stores answer."""

import pytest
from msgspec.structs import replace

from shared.domain.accounts import Account
from shared.domain.errors.requests import Busy
from shared.domain.principals import OPERATOR
from shared.domain.status import DiskSpace
from shared.services.administration.status import MAX_RECORDS_COUNTED, RegistryStatus
from shared.services.maintenance.tasks import TaskRuns
from shared.services.packages.statistics import LastRegistryCounts
from tests.contract.sample_records import event, head
from tests.support.port_doubles import Fault
from tests.support.world import World

ROOM = DiskSpace(100, 50)


@pytest.fixture
def registry_status(world: World) -> RegistryStatus:
    return replace(world.registry.administration.status, disk_space=lambda: ROOM)


@pytest.mark.parametrize("missing", ["tasks", "counts"])
async def test_each_store_that_does_not_answer_leaves_out_its_own_part(
    world: World, registry_status: RegistryStatus, missing: str
) -> None:
    await world.registry.maintenance.task_runner.run("create-snapshot")
    whole = await registry_status.report(by=OPERATOR)
    assert None not in (whole.tasks, whole.backlog, whole.counts)
    work = Fault("peek", Busy()).over(world.stores.work)
    changed = (
        replace(
            registry_status,
            task_runner=replace(registry_status.task_runner, runs=TaskRuns(work, world.clock)),
        )
        if missing == "tasks"
        else replace(registry_status, last_counts=LastRegistryCounts(work, world.clock))
    )
    overview = await changed.report(by=OPERATOR)
    assert getattr(overview, missing) is None
    assert sum(each is None for each in (overview.tasks, overview.counts)) == 1
    assert overview.backlog is not None


async def test_the_backlog_of_many_entities_is_counted_up_to_the_same_bound(
    world: World, registry_status: RegistryStatus
) -> None:
    for number in range(MAX_RECORDS_COUNTED):
        account = Account(
            id=f"late{number:06}",
            name=f"late-{number}",
            created_ms=1,
            outbox=(event(f"late-{number}"),),
        )
        await world.stores.directory.add(account)
    await world.stores.metadata.claim(head("acme/late", outbox=(event("late"),)))
    backlog = (await registry_status.report(by=OPERATOR)).backlog
    assert backlog is not None
    assert (backlog.count, backlog.is_more) == (MAX_RECORDS_COUNTED, True)
