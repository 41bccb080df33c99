"""No request of an anonymous caller costs much, whatever was pushed.

What strangers push is read by the confined process, once. So a route costs little processor time
and memory of the process that serves it. `tests/support/worst_requests.py` has the limits and
the routes.
"""

import asyncio
import dataclasses
import html
import sys
import time
import tracemalloc
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from msgspec.structs import replace

from functions.faces import build_app
from shared.confined.jobs import Json, PartResult
from shared.confined.process import Budget, ConfinedProcess
from shared.hosting.triggers import functions_of
from shared.services.adapters import Adapters
from tests.paths import ROOT
from tests.sampling import FULL
from tests.support.archives import bala
from tests.support.storage import Clouds
from tests.support.world import URL, OpenWorld, Template, World, make_template
from tests.support.worst_archives import LEXERS, LINE_CHARACTERS, unions, worst_archives
from tests.support.worst_requests import (
    EXCEPTED,
    MOST_BYTES,
    OF_ALL,
    OF_ARCHIVES,
    OTHERS,
    Walk,
    fill,
)

MIB = 1 << 20
# `bench/worst_requests.py` has more of them.
ARCHIVES = (
    worst_archives(types=760, declarations=4_000)
    if FULL
    else worst_archives(types=400, declarations=2_000)
)
# Over each kind of stores. Of the archives over the cloud, the dearest; whole tables have all.
WALKS = {
    "machine": ARCHIVES,
    "cloud": [each for each in ARCHIVES if FULL or each.name in ("types", "entries")],
}
# Files whose lexers take minutes, and one that is highlighted; whole tables have one a lexer.
LEXED = ("resources", *(f"resources/0.{each}" for each in ("ini", "console", "bal")))
EMPTY_CHILD_BYTES = 64 * 1024 * 1024  # More than a child takes that has no work.
SMALL_BUDGET = Budget(processor_seconds=1, memory_bytes=128 * MIB, output_bytes=16 * MIB)

on_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="the limits of the confined process are those of Linux"
)
one_machine = pytest.mark.one_instance("It measures one process.")


def in_the_confined_process(test: Callable[..., object]) -> Callable[..., object]:
    """Mark a test that starts the real process."""
    return pytest.mark.slow(one_machine(on_linux(test)))


async def test_every_route_that_answers_with_what_was_pushed_is_measured(world: World) -> None:
    served = {
        each.name
        for each in functions_of(build_app(world.registry)).http
        if "GET" in (each.route.methods or ())
    }
    measured = {*OF_ARCHIVES, *OF_ALL, *EXCEPTED}
    missing = sorted(each for each in served - measured if not each.startswith(OTHERS))
    assert missing == [], "Add these routes to tests/support/worst_requests.py."
    assert sorted(measured - served) == []


@pytest.fixture(scope="module")
def templates(template: Template, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Template]:
    """Return a template over the stores of one machine, and one over doubles of the cloud's."""
    cloud = make_template(tmp_path_factory.mktemp("cloud"), Clouds())
    return {"machine": template, "cloud": cloud}


@pytest.mark.slow
@pytest.mark.timeout(600)
@one_machine
@pytest.mark.parametrize("stores", WALKS)
async def test_no_route_costs_more_than_its_limits(
    templates: dict[str, Template], scratch: Path, stores: str
) -> None:
    """What the doubles of the cloud take themselves is not counted."""
    costs = await Walk(templates[stores], scratch).over(WALKS[stores])
    assert [str(each) for each in costs if each.is_too_much] == []
    assert [str(each) for each in costs if each.status >= 500] == []
    assert sum(each.status == 200 for each in costs) > len(costs) / 2


# --- Archives that the confined process cannot finish -------------------------------------------


@dataclass
class Noted:
    """The confined process; notes the tasks that it ran, and the most memory that it took."""

    folder: Path
    ran: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    most_bytes: int = 0

    def __post_init__(self) -> None:
        self.process = ConfinedProcess(self.folder, SMALL_BUDGET)

    async def run(self, task: str, folder: Path, request: Json) -> list[PartResult]:
        self.ran.append(task)
        watching = asyncio.create_task(self._watch())
        try:
            results = await self.process.run(task, folder, request)
        finally:
            watching.cancel()
        self.refused += [each.refused for each in results if each.refused]
        return results

    async def close(self) -> None:
        await self.process.close()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(0.05)
            child = self.process._child
            with suppress(OSError, IndexError):  # It ended.
                status = Path(f"/proc/{child.pid if child else 0}/status").read_text("ascii")
                most = int(status.partition("VmHWM:")[2].split()[0]) * 1024
                self.most_bytes = max(self.most_bytes, most)


@pytest.fixture
async def confined(tmp_path: Path) -> AsyncGenerator[Noted]:
    process = Noted(tmp_path / "machine")
    yield process
    await process.close()


@pytest.fixture
def confine(confined: Noted) -> Callable[[Adapters], Adapters]:
    return lambda stores: replace(stores, confined=confined)


@pytest.fixture
async def confining(worlds: OpenWorld, confine: Callable[[Adapters], Adapters]) -> World:
    return await worlds(wrap=confine)


async def shown(world: World, path: str) -> str:
    response = await world.get(URL + path)
    assert response.status_code == 200, response.text
    return response.text


@in_the_confined_process
async def test_a_file_that_a_lexer_takes_minutes_for_is_plain_and_stops_nobody(
    confining: World, confined: Noted
) -> None:
    await confining.push(LEXERS.archive)
    confining.documents_when_read = False
    paths = [f"/packages/acme/lexers/1.0.0/files?path=resources/0.{e}" for e in ("ini", "console")]
    started = time.process_time()
    for path in paths:
        assert "=" * LINE_CHARACTERS in await shown(confining, path)
    await confining.registry.api_docs.on_demand_jobs.drain()
    assert time.process_time() - started < 1
    ran = confined.ran.count("highlight")
    assert ran == len(paths)
    for path in paths:
        await shown(confining, path)
        await confining.registry.api_docs.on_demand_jobs.drain()
    assert confined.ran.count("highlight") == ran


# Each takes seconds or gigabytes if nothing stops it.
SLOW_TEXTS = {
    "formatting that each paragraph opens again": (
        "".join(f"<b title={n}>" for n in range(2_000)) + "<p>x" * 5_000
    ),
    "pictures in pictures": ("![" * 40 + "\n\n") * 1_600,
    "code that is slow to colour": "```java\n" + "a " * 60_000 + "\n```",
}


@in_the_confined_process
@pytest.mark.parametrize("kind", SLOW_TEXTS)
async def test_texts_that_take_minutes_are_plain_and_the_others_are_rendered(
    confining: World, kind: str
) -> None:
    text = SLOW_TEXTS[kind]
    await confining.push(bala("acme/slow:1.0.0", readme=text))
    await confining.document()
    page = await shown(confining, "/packages/acme/slow/1.0.0")
    assert html.escape(text.split("\n")[0][:12], quote=False) in page


LONG = "A" * 200_000
MULTIPLYING = {
    "a record that many include": (
        f"type Base record {{| {''.join(f'int f{i};' for i in range(1_000))} |}};\n"
        + "".join(f"public type R{i} record {{| *Base; |}};\n" for i in range(2_000))
    ),
    "a long name that many repeat": (
        f"type Base record {{| int {LONG}; |}};\n"
        + "".join(f"public type R{i} record {{| *Base; |}};\n" for i in range(500))
    ),
    "inclusions of inclusions": "".join(
        f"public class C{i} {{ *C{i + 1}; {'public function f() { }' * 9} }}\n"
        for i in range(3_000)
    ),
}


@in_the_confined_process
@pytest.mark.parametrize("kind", MULTIPLYING)
async def test_sources_that_multiply_are_refused_and_the_readme_is_there(
    confining: World, confined: Noted, kind: str
) -> None:
    entries = {"modules/slow/slow.bal": MULTIPLYING[kind].encode()}
    await confining.push(bala("acme/slow:1.0.0", readme="It is *slow*.", entries=entries))
    await confining.document()
    assert confined.refused
    assert "<em>slow</em>" in await shown(confining, "/packages/acme/slow/1.0.0")
    await shown(confining, "/packages/acme/slow/1.0.0/docs/slow")


@in_the_confined_process
async def test_texts_that_a_lexer_takes_minutes_for_cost_no_route_more_than_its_limits(
    template: Template, scratch: Path, confine: Callable[[Adapters], Adapters]
) -> None:
    archive = LEXERS if FULL else dataclasses.replace(LEXERS, files=LEXED)
    costs = await Walk(template, scratch, confine).over([archive])
    assert [str(each) for each in costs if each.is_too_much] == []


@in_the_confined_process
async def test_many_modules_of_unions_have_one_budget(confining: World, confined: Noted) -> None:
    await confining.push(unions("acme/unions:1.0.0", 100))
    tracemalloc.start()
    try:
        await confining.document()
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()
    assert confined.refused[0]
    assert 0 < confined.most_bytes < SMALL_BUDGET.memory_bytes + EMPTY_CHILD_BYTES
    for module in ("unions", "unions.m22"):
        await shown(confining, f"/packages/acme/unions/1.0.0/docs/{module}")


@in_the_confined_process
async def test_two_archives_that_take_long_to_compare_stop_nobody(confining: World) -> None:
    types = [each for each in worst_archives(types=250) if each.name == "types"]
    for version in ("1.0.0", "1.1.0", "2.0.0"):
        await confining.push(types[version == "2.0.0"].make(f"acme/types:{version}"))
    await confining.document()
    confining.documents_when_read = False
    started = time.process_time()
    path = "/packages/acme/types/2.0.0/changes?from=1.0.0"
    await shown(confining, path)  # Waits for two seconds at most.
    await confining.document()
    page = await shown(confining, path)
    assert time.process_time() - started < 1
    assert "being made" not in page


NOT_IMPORTED = (
    "markdown_it",
    "nh3",
    "shared.prose.highlighting",
    "shared.domain.api_docs.documents",
    "shared.confined.release_docs",
    "shared.ballerina",
)
SERVE = """
import asyncio, sys
from msgspec.structs import replace
from pathlib import Path
from shared.confined.process import Budget, ConfinedProcess
from tests.support.worst_requests import SMALL, ask, questions
from tests.support.world import opened

async def main():
    nothing = ConfinedProcess(Path(sys.argv[1]), Budget(1, 1, 1))
    await nothing.close()
    confine = lambda stores: replace(stores, confined=nothing)
    async with opened(Path(sys.argv[1]), None, confine) as world:
        world.documents_when_read = False
        answers = [await ask(world, each) for each in questions([SMALL])]
    assert answers.count(200) > len(answers) / 2, answers
    print(*(each for each in sys.argv[2:] if each in sys.modules))

asyncio.run(main())
"""


@pytest.mark.slow
@one_machine
async def test_a_process_that_serves_all_routes_has_no_code_that_reads_sources_and_texts(
    template: Template, scratch: Path
) -> None:
    full = await template.filled(scratch / "full", lambda world: fill(world, []))
    command = [sys.executable, "-c", SERVE, str(full.folder), *NOT_IMPORTED]
    done = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=PIPE)
    output, _ = await done.communicate()
    assert (done.returncode, output.decode().split()) == (0, [])
