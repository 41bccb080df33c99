"""The simulation of scale knows the real host, loses no request, and shows what holds pulls up."""

import pytest

from bench.instance_memory import Catalog
from bench.real_packages import package_of
from bench.scale import (
    CORE_GIGABYTES,
    PART,
    Machine,
    Outcome,
    Phase,
    Rules,
    Run,
    Simulation,
    Times,
    part_of,
    whole,
)
from infra.cost.model import Size

TIMES = Times(in_memory=0.25, first=1.2)
NOTHING = Times(0, 0)  # Of the registry: a Function that answers at once.
RULES = Rules(always_ready=1, most=10)
RELEASE = {"version": "1.0.0", "platform": "any", "ballerina_version": "", "modules": []}
GREET = package_of([{**RELEASE, "org": "acme", "name": "greet", "dependencies": []}])
FEW = Catalog([GREET], 100)


def outcomes(*phases: Phase, uploads: float = 0, rules: Rules = RULES) -> list[Outcome]:
    run = Run(Size.TEAM, phases, uploads=uploads)
    machine = Machine(CORE_GIGABYTES, TIMES, at_once=4 if uploads else 32)
    return list(Simulation(run, machine, rules, FEW).run())


@pytest.mark.parametrize(("workers", "least", "most"), [(1, 1_300, 1_700), (2, 2_600, 3_800)])
def test_an_instance_of_four_cores_carries_what_the_real_host_did(
    workers: int, least: int, most: int
) -> None:
    assert least <= Machine(4 * CORE_GIGABYTES, NOTHING, workers).most_a_second <= most


def test_every_pull_is_answered_or_waits() -> None:
    [outcome] = outcomes(Phase(200, 20))
    assert outcome.left == 0
    assert len(outcome.early) + len(outcome.late) == pytest.approx(200 * 20, rel=0.05)


@pytest.mark.slow
def test_more_than_all_instances_answer_waits() -> None:
    most = Machine(CORE_GIGABYTES, TIMES).most_a_second
    [enough, too_much] = (
        outcomes(Phase(round(most * share), 10), rules=Rules(2, 2))[0] for share in (1, 3)
    )
    assert enough.left == 0
    assert too_much.left > most


@pytest.mark.slow
def test_a_peak_after_a_calm_time_makes_the_first_wait() -> None:
    calm, peak = outcomes(Phase(20, 20), Phase(2_000, 20))
    assert calm.instances < peak.instances
    assert max(peak.early) > 2  # The cold start of those that came in addition.
    assert sorted(peak.late)[len(peak.late) // 2] < 0.1


def test_uploads_in_the_same_app_hold_the_slots_of_pulls() -> None:
    [apart], [together] = (outcomes(Phase(100, 60), uploads=each) for each in (0, 10))
    assert apart.waited < 100
    assert together.waited > 10 * apart.waited


def test_of_very_many_pulls_a_part_says_the_same() -> None:
    run, rules = Run(Size.PUBLIC, (Phase(20_000, 1),)), Rules(always_ready=PART, most=10 * PART)
    fewer, scaled, part = part_of(run, rules)
    assert (scaled.always_ready, scaled.most, scaled.a_second) == (1, 10, 17 / PART)
    assert (fewer.phases[0].rate, part) == (20_000 // PART, PART)
    outcome = Outcome(fewer.phases[0], instances=7, waited=30, left=1)
    all_of_them = whole(outcome, part)
    assert (all_of_them.phase.rate, all_of_them.instances) == (20_000, 7 * PART)
    assert (all_of_them.waited, all_of_them.left) == (30 * PART, PART)
    small = Run(Size.DEV, (Phase(10, 1),))
    assert part_of(small, rules) == (small, rules, 1)


def test_a_registry_that_has_the_load_for_long_makes_nobody_wait() -> None:
    machine = Machine(CORE_GIGABYTES, TIMES)
    run = Run(Size.PUBLIC, (Phase(50, 20),), is_warm=True)
    [outcome] = Simulation(run, machine, Rules(always_ready=0, most=10), FEW).run()
    assert outcome.waited == 0
    assert outcome.missed == 0
