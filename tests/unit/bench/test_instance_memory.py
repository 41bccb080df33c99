"""The memory of a simulated instance is the package cache of the product, with its limit."""

from functools import partial
from random import Random

import pytest

from bench import instance_memory
from bench.instance_memory import Catalog, InstanceMemory, Wanted, misses_after, units_of
from bench.real_packages import package_of
from infra.cost.usage import MEASURED, OperationUsage
from shared.ports import PackedPackage
from shared.services.maintenance.write_package_pack import PACK_BYTES
from shared.services.packages.package_cache import CAPACITY_BYTES, memory_of
from shared.services.packages.package_pack import memory_of_packed
from shared.services.packages.pull_redirects import RedirectCache


def package(versions: int, dependencies: int = 0) -> PackedPackage:
    needed = {"org": "acme", "version": "1.0.0"}
    release = {
        "org": "acme",
        "name": "greet",
        "platform": "any",
        "ballerina_version": "",
        "modules": [],
        "dependencies": [{**needed, "name": f"of{number}"} for number in range(dependencies)],
    }
    return package_of([{**release, "version": f"1.0.{patch}"} for patch in range(versions)])


SMALL, LARGE = package(versions=1), package(versions=8, dependencies=20)


def chance() -> Random:
    return Random(1)  # noqa: S311 - the same each time.


def reads(catalog: Catalog, wanted: Wanted, pulls: int) -> list[tuple[OperationUsage, ...]]:
    memory, drawn = InstanceMemory(catalog, wanted), chance()
    return [memory.pull(drawn) for _ in range(pulls)]


def fitting(real: PackedPackage) -> int:
    """Return of how many such packages all records fit into the cache."""
    return CAPACITY_BYTES // memory_of_packed(real)


@pytest.mark.parametrize("wanted", Wanted)
@pytest.mark.slow
def test_all_of_few_packages_are_in_memory_after_a_while(wanted: Wanted) -> None:
    assert misses_after(Catalog([LARGE], fitting(LARGE)), wanted, 20_000, chance()).share < 0.05


@pytest.fixture
def _no_redirects(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave no room for redirects, so that each pull asks the package cache."""
    monkeypatch.setattr(instance_memory, "RedirectCache", partial(RedirectCache, capacity_bytes=0))


@pytest.mark.slow
@pytest.mark.usefixtures("_no_redirects")
def test_packages_that_do_not_fit_are_read_again_and_again() -> None:
    catalog = Catalog([LARGE], 10 * fitting(LARGE))
    earlier, later = (misses_after(catalog, Wanted.ANY, pulls, chance()) for pulls in (0, 20_000))
    assert earlier.share > later.share > 0.2


@pytest.mark.slow
@pytest.mark.usefixtures("_no_redirects")
def test_larger_records_leave_room_for_fewer_packages() -> None:
    count = 3 * fitting(LARGE)
    small, large = (
        misses_after(Catalog([each], count), Wanted.LATEST, 20_000, chance())
        for each in (SMALL, LARGE)
    )
    assert small.share < large.share / 2


def test_a_list_of_versions_takes_room_and_a_read() -> None:
    catalog = Catalog([SMALL], 2)  # The second has another name, so the pack does not have it.
    asked = {each for each in reads(catalog, Wanted.LATEST, 50) if each}
    assert asked == {(OperationUsage.VERSIONS, OperationUsage.PULL)}
    assert memory_of(LARGE.survey) > memory_of(SMALL.survey)


def test_a_new_instance_has_the_pack_in_memory() -> None:
    assert memory_of_packed(SMALL) < PACK_BYTES
    assert set(reads(Catalog([SMALL], 1), Wanted.LATEST, 50)) == {()}


def test_a_package_is_read_once_while_there_is_room() -> None:
    assert sum(map(bool, reads(Catalog([SMALL], 100), Wanted.NEWEST, 2_000))) == 99


def test_a_read_has_the_request_units_that_were_measured() -> None:
    both = (OperationUsage.VERSIONS, OperationUsage.PULL)
    assert units_of(both) == sum(MEASURED[each].units for each in both)
    assert units_of(()) == 0
