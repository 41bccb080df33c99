"""Sets are replaced when the dumps change that the settings name; else the last ones stay."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from shared.adapters.advisory_dumps import FetchedAdvisoryDumps
from shared.domain.advisories.sources import AdvisorySource, parse_sources
from shared.domain.principals import ANONYMOUS
from shared.domain.tasks import TaskReport
from shared.ports.http_client import HttpResponse, Unanswered
from shared.services.advisories.advisory_updates import AdvisoryUpdates
from tests.support.advisories import asked
from tests.support.advisory_files import dump, record
from tests.support.world import World

MAVEN = AdvisorySource("maven", "https://mirror.example.org/Maven/all.zip")


class Mirror:
    """A server with one dump; it is not reached while it has none."""

    def __init__(self) -> None:
        self.content: bytes | None = dump([record("GHSA-1", "g:a")])
        self.tag = '"1"'
        self.asked = list[Mapping[str, str]]()

    async def download(self, url: str, headers: Mapping[str, str], write: object) -> HttpResponse:
        assert url == MAVEN.at
        self.asked.append(headers)
        if self.content is None:
            message = "it does not answer"
            raise Unanswered(message)
        if headers.get("If-None-Match") == self.tag:
            return HttpResponse(304, {}, b"")
        write(self.content)  # type: ignore[operator] # pyright: ignore
        return HttpResponse(200, {"etag": self.tag}, b"")


@pytest.fixture
def mirror() -> Mirror:
    return Mirror()


@pytest.fixture
def updates(world: World, mirror: Mirror) -> AdvisoryUpdates:
    dumps = FetchedAdvisoryDumps(mirror)  # pyright: ignore[reportArgumentType]
    return replace(world.registry.advisories.updates, dumps=dumps, sources=(MAVEN,))


async def found(world: World) -> list[str]:
    service = world.registry.advisories.advisories
    [matching] = await service.findings([asked("g:a", "1.0", ecosystem="Maven")], ANONYMOUS)
    return [each.id for each in matching]


async def test_a_dump_is_read_again_when_it_changed(
    world: World, mirror: Mirror, updates: AdvisoryUpdates
) -> None:
    assert await updates.problems() == [f"The advisories maven of {MAVEN.at} were never read."]
    assert await updates.run() == TaskReport(seen=1, changed=1)
    assert await updates.run() == TaskReport(seen=1, changed=0)
    assert mirror.asked == [{}, {"If-None-Match": '"1"'}]
    assert await found(world) == ["GHSA-1"]
    mirror.content = dump([record("GHSA-2", "g:a")])
    mirror.tag = '"2"'
    assert (await updates.run()).changed == 1
    assert await found(world) == ["GHSA-2"]
    assert await updates.problems() == []


async def test_the_last_dump_stays_when_the_mirror_fails(
    world: World, mirror: Mirror, updates: AdvisoryUpdates
) -> None:
    await updates.run()
    content = mirror.content
    assert content is not None
    mirror.tag = '"2"'
    for broken, reason in ((None, "it does not answer"), (content[:-20], "cannot be read")):
        mirror.content = broken
        world.clock.advance(timedelta(hours=1))
        [problem] = (await updates.run()).problems
        assert problem.startswith("The advisories maven stay as they are.")
        assert reason in problem
        assert await found(world) == ["GHSA-1"]
        [said] = await updates.problems()
        assert said.startswith("The advisories maven are those of ")
        assert reason in said
    mirror.content = content
    await updates.run()
    assert await updates.problems() == []
    world.clock.advance(timedelta(days=3))
    [said] = await updates.problems()
    assert said.startswith("The advisories maven were compared last on ")


async def test_a_dump_may_be_a_file(world: World, tmp_path: Path, updates: AdvisoryUpdates) -> None:
    file = tmp_path / "all.zip"
    of_file = replace(updates, sources=(AdvisorySource("maven", str(file)),))
    [problem] = (await of_file.run()).problems
    assert "No such file or directory" in problem
    file.write_bytes(dump([record("GHSA-1", "g:a")]))
    assert [(await of_file.run()).changed for _ in range(2)] == [1, 0]
    assert await found(world) == ["GHSA-1"]


async def test_nothing_is_fetched_unless_a_setting_names_it(world: World) -> None:
    assert world.registry.advisories.updates.sources == ()
    assert "update-advisories" not in world.registry.maintenance.tasks


@pytest.mark.parametrize(
    "text", ["maven", "maven=http://a.example.org/a", "a b=/c", "=/c", "a=b/c", "A=/c"]
)
def test_a_source_that_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no list of names with an https address"):
        parse_sources([text])
    with pytest.raises(ValueError, match="names a set twice"):
        parse_sources(["a=/b", "a=/c"])
