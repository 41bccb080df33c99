"""The pytest plugin that tries mutants: every test is collected once, each mutant is a fork.

A mutant is put into place by giving the function that is loaded the code of the changed one, so
whoever holds the function holds the mutant, and nothing is written to disk. Which tests run a line
is measured first, and kept; of those, the ones that told mutants of the function apart before come
first, then the quick ones. A fork ends with the first test that fails.
"""

import ast
import atexit
import gc
import hashlib
import inspect
import json
import linecache
import os
import resource
import signal
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import accumulate, chain
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, NoReturn

import coverage
import pytest
from _pytest.runner import runtestprotocol
from hypothesis import HealthCheck, Phase, settings

SLOWEST_TEST = 8.0  # Seconds. What takes longer starts processes, which load no mutant.
BUDGET = float(os.environ.get("BUDGET", "10"))  # Seconds of tests that one mutant is given.
CPU_LIMIT = 5.0  # Seconds of one test, besides ten times what it takes without a mutant.
WALL_LIMIT = 60.0  # Seconds of one test that waits for what never happens.
MEMORY = 6 * 2**30  # Bytes of address space that a mutant may ask for.
CHUNK = 40  # Tests that one fork measures.
ALL_LINES = -1  # A number whose bits are all set.
PACKAGES = ("shared/auth", "shared/domain", "shared/services")


@dataclass
class Measured:
    """The measurements of one test without a mutant."""

    seconds: float  # Of the processor.
    wall: float
    passed: bool
    lines: dict[str, int] = field(default_factory=dict[str, int])  # Bits, by function.


@dataclass
class Known:
    """What was measured before: functions by number, and tests with the version of their file.

    A function is its file, name and the digest of its source.
    """

    functions: list[str] = field(default_factory=list[str])
    tests: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "Known":
        """Read the file of earlier measurements, if there is one."""
        return cls(**json.loads(path.read_text())) if path.exists() else cls()

    def write(self, path: Path) -> None:
        path.write_text(json.dumps({"functions": self.functions, "tests": self.tests}))

    def by_number(self, lines: dict[str, int]) -> dict[str, int]:
        """Return the lines by the numbers of their functions; new ones get the next."""
        for name in lines:
            if name not in self._numbers:
                self._numbers[name] = len(self.functions)
                self.functions.append(name)
        return {str(self._numbers[name]): bits for name, bits in lines.items()}

    def __post_init__(self) -> None:
        """Look the numbers up."""
        self._numbers = {name: number for number, name in enumerate(self.functions)}


def pytest_configure(config: pytest.Config) -> None:
    """Try the mutants of the plan, in place of running the tests."""
    folder = Path(os.environ["MUTANTS"])
    config.pluginmanager.register(Execution(folder, int(os.environ.get("JOBS", "2"))))


class Execution:
    """Measures the tests, then tries each mutant."""

    def __init__(self, folder: Path, jobs: int) -> None:
        """Read the plan in this folder, and write what comes of it there."""
        self._folder = folder
        self._jobs = jobs
        self._items: dict[str, pytest.Item] = {}
        self._other: pytest.Item
        self._measured: dict[str, Measured] = {}
        self._tests_of: dict[str, dict[str, int]] = {}
        self._coverage: dict[str, int] = {}
        self._versions: dict[str, str] = {}
        self._named: dict[str, list[str]] = defaultdict(list)
        self._lines: dict[str, dict[int, tuple[str, int]]] = {}
        self._functions: dict[str, list[FunctionType]] = defaultdict(list)
        self._caches: list[Any] = []
        self._sources: dict[str, str] = {}
        self._killers: dict[str, list[str]] = defaultdict(list)
        self._children: dict[int, tuple[Any, int]] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Let hypothesis stop at the first example that fails."""
        phases = (Phase.explicit, Phase.generate)
        usual = settings.get_profile("ballroom")
        checks = list(HealthCheck)  # A mutant that is slow is no mutant that is wrong.
        settings.register_profile(
            "mutants", usual, phases=phases, database=None, suppress_health_check=checks
        )
        settings.load_profile("mutants")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Carry out the plan; files that are edited meanwhile do not matter."""
        self._items = {item.nodeid: item for item in session.items}
        self._warm()
        self._functions = loaded_functions()
        self._caches = loaded_caches()
        gc.collect()
        gc.freeze()
        self._sources = json.loads((self._folder / "sources.json").read_text())
        self._measure()
        plan = (self._folder / "plan.jsonl").read_text().splitlines()
        self._try_all([json.loads(line) for line in plan])
        return True

    def _warm(self) -> None:
        """Make what all tests share, so that no fork has to."""
        items = list(self._items.values())
        of_worlds = (item for item in items if "world" in getattr(item, "fixturenames", ()))
        first = next(of_worlds, items[0])
        suite = first.nodeid.split("/")[1]
        others = (item for item in items if item.nodeid.split("/")[1] != suite)
        self._other = next(others, items[-1])
        runtestprotocol(first, nextitem=self._other, log=False)
        if threading.active_count() > 1:
            say(f"threads are alive: {threading.enumerate()}")

    # --- which tests run which lines -------------------------------------------------------------

    def _measure(self) -> None:
        known = Known.read(self._folder / "tests.json")
        self._versions = function_versions()
        self._lines = functions_by_line()
        versions = {path: digest(path.read_bytes()) for path in self._paths()}
        for name, (version, measured) in known.tests.items():
            item = self._items.get(name)
            if item is not None and versions[item.path] == version and measured["passed"]:
                self._measured[name] = Measured(**measured)
        missing = [name for name in self._items if name not in self._measured]
        say(f"{len(self._items)} tests, {len(missing)} of them to be measured")
        chunks = [missing[start : start + CHUNK] for start in range(0, len(missing), CHUNK)]
        for done, (_, answer) in enumerate(self._forked(chunks, self._measure_chunk), 1):
            for name, measured in (json.loads(answer) if answer else {}).items():
                lines = {self._version_of(each): bits for each, bits in measured["lines"].items()}
                measured["lines"] = known.by_number(lines)
                self._measured[name] = Measured(**measured)
                known.tests[name] = (versions[self._items[name].path], measured)
            if done % 25 == 0 or done == len(chunks):
                say(f"measured {min(done * CHUNK, len(missing))}")
                known.write(self._folder / "tests.json")
        self._index(known.functions)

    def _version_of(self, function: str) -> str:
        return f"{function}@{self._versions[function]}"

    def _paths(self) -> set[Path]:
        return {item.path for item in self._items.values()}

    def _measure_chunk(self, names: list[str]) -> str:
        """Run tests in a fork; return what each took and which lines it ran."""
        sources = [f"{package}/*" for package in PACKAGES]
        tracer = coverage.Coverage(data_file=None, include=sources, config_file=False)
        tracer.set_option("run:disable_warnings", ["no-data-collected"])
        found: dict[str, Any] = {}
        for name, following in zip(names, [*names[1:], None], strict=True):
            tracer.erase()
            tracer.start()
            begun = time.perf_counter(), time.process_time()
            passed = self._passes(name, following)
            wall = time.perf_counter() - begun[0]
            seconds = time.process_time() - begun[1]
            tracer.stop()
            lines: dict[str, int] = defaultdict(int)
            for file in tracer.get_data().measured_files():
                for line in tracer.get_data().lines(file) or ():
                    if place := self._lines[file].get(line):
                        lines[place[0]] |= 1 << place[1]
            found[name] = vars(Measured(seconds, wall, passed, lines))
        return json.dumps(found)

    def _index(self, functions: list[str]) -> None:
        failing = [name for name, each in self._measured.items() if not each.passed]
        lost = [name for name in self._items if name not in self._measured]
        slow = {n for n, each in self._measured.items() if each.wall > SLOWEST_TEST}
        say(f"left out: {len(slow)} slow tests, {len(failing)} that fail, {len(lost)} that crash")
        for name in [*failing, *lost][:20]:
            say(f"    {name}")
        usable = [name for name, each in self._measured.items() if each.passed and name not in slow]
        for function in self._versions:
            self._named[function.partition("::")[2]].append(function)
        measured = {function.partition("@")[0] for function in functions}
        new = defaultdict[str, list[str]](list)
        for function in self._versions.keys() - measured:
            new[function.partition("::")[0]].append(function)
        for name in sorted(usable, key=lambda name: self._measured[name].seconds):
            for number, bits in self._measured[name].lines.items():
                for function, lines in self._run_now(functions[int(number)], bits, new):
                    self._tests_of.setdefault(function, {})[name] = lines
        self._coverage = self._coverages(usable)

    def _run_now(
        self, measured: str, bits: int, new: dict[str, list[str]]
    ) -> Iterator[tuple[str, int]]:
        """Yield the functions that a test runs, with their lines, when some changed since.

        A function that has moved is found by its name. A test that ran a function which has changed
        may run any line of it, and any function that its module did not have.
        """
        function, _, version = measured.partition("@")
        file, _, name = function.partition("::")
        known = function in self._versions
        for each in (function,) if known else self._named[name]:
            yield each, bits if self._versions[each] == version else ALL_LINES
        if self._versions.get(function) != version:
            for each in new[file]:
                yield each, ALL_LINES

    def _coverages(self, names: list[str]) -> dict[str, int]:
        """Return by test the lines that it runs of all functions, as the bits of one number."""
        widths = Counter[str]()
        for name in names:
            for number, lines in self._measured[name].lines.items():
                widths[number] = max(widths[number], lines.bit_length())
        places = dict(zip(widths, accumulate(widths.values(), initial=0), strict=False))
        return {
            name: sum(bits << places[number] for number, bits in self._measured[name].lines.items())
            for name in names
        }

    # --- mutants ---------------------------------------------------------------------------------

    def _try_all(self, plan: list[dict[str, Any]]) -> None:
        say(f"{len(plan)} mutants to try, {self._jobs} at a time")
        killed: dict[str, list[str]] = defaultdict(list)
        path = self._folder / "results.jsonl"
        for line in path.read_text().splitlines() if path.exists() else ():
            earlier = json.loads(line)
            if earlier.get("by") in self._items:
                self._remember(earlier.get("function", ""), earlier["by"])
        with path.open("a") as results:
            for done, (mutant, answer) in enumerate(self._forked(plan, self._try_one), 1):
                result = json.loads(answer) if answer else {"status": "killed", "by": "its end"}
                function = function_of(mutant)
                if result["by"] in self._items:
                    self._remember(function, result["by"])
                    killed[result["by"]].append(mutant["id"])
                found = {"id": mutant["id"], "function": function, **result}
                results.write(json.dumps(found) + "\n")
                results.flush()
                if done % 200 == 0:
                    say(f"tried {done}")
            for name in self._unsure(list(killed)):
                say(f"fails without a mutant as well: {name}")
                for mutant_id in killed[name]:
                    results.write(json.dumps({"id": mutant_id, "status": "untried"}) + "\n")

    def _unsure(self, killers: list[str]) -> Iterator[str]:
        """Yield the tests that killed mutants and fail in the same way without one."""
        for name, answer in self._forked(killers, self._control):
            if answer != "passed":
                yield name

    def _control(self, name: str) -> str:
        self._deadline(name)
        return "passed" if self._passes(name, None) else "failed"

    def _remember(self, function: str, killer: str) -> None:
        killers = self._killers[function]
        with suppress(ValueError):
            killers.remove(killer)
        killers.insert(0, killer)

    def _try_one(self, mutant: dict[str, Any]) -> str:
        """Run tests against a mutant in a fork; return which test failed."""
        function = function_of(mutant)
        names = self._in_order(mutant)
        if not names or not self._functions[function]:
            return told("survived", "no test calls it")
        try:
            source = self._sources[mutant["file"]]
            if not put_in_place(mutant, source, self._functions[function]):
                return told("same", "")
        except SyntaxError:
            return told("invalid", "")
        for cache in self._caches:
            cache.cache_clear()
        with suppress(ValueError):
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        for name, following in zip(names, [*names[1:], None], strict=True):
            self._deadline(name)
            if not self._passes(name, following):
                return told("killed", name)
        return told("survived", f"{len(names)} tests")

    def _in_order(self, mutant: dict[str, Any]) -> list[str]:
        quick = self._running(mutant)
        killers = [name for name in self._killers[function_of(mutant)][:8] if name in quick]
        near = [name for name in quick if is_test_of(mutant["file"], name)]
        subject = "/test_" + Path(mutant["file"]).name
        namesakes = [name for name in quick if name.partition("::")[0].endswith(subject)]
        first = self._within(BUDGET / 2, [*killers, *near, *namesakes])
        first = self._within(BUDGET * 3 / 4, [*first, *quick])
        # Of the rest those that do the most other things: what they see differs the most.
        rest = (self._varied(quick, first), sorted(quick, key=turns(quick)))
        return self._within(BUDGET, chain(first, *rest))

    def _varied(self, names: list[str], begun: list[str]) -> Iterator[str]:
        """Yield the tests that run the most lines a second which none before them has run."""
        seen = 0
        for name in begun:
            seen |= self._coverage[name]
        seconds = {name: max(self._measured[name].seconds, 0.001) for name in names}
        heap = [(-self._coverage[name].bit_count() / seconds[name], name) for name in names]
        heapify(heap)
        while heap:
            _, name = heappop(heap)
            gain = (self._coverage[name] & ~seen).bit_count() / seconds[name]
            if gain and heap and gain < -heap[0][0]:
                heappush(heap, (-gain, name))  # It was worth more before the others ran.
            elif gain:
                seen |= self._coverage[name]
                yield name

    def _within(self, budget: float, names: Iterable[str]) -> list[str]:
        """Return the tests at the beginning that fit into so many seconds, or the first one."""
        chosen = dict[str, None]()
        seconds = 0.0
        for name in names:
            if name in chosen:
                continue
            seconds += self._measured[name].seconds
            if seconds > budget and chosen:
                break
            chosen[name] = None
        return list(chosen)

    def _running(self, mutant: dict[str, Any]) -> list[str]:
        """Return the tests that run the line of a mutant, the quick ones first."""
        tests = self._tests_of.get(function_of(mutant), {})
        loaded = self._functions[function_of(mutant)]
        first = loaded[0].__code__.co_firstlineno if loaded else mutant["line"]
        # An expression of several lines may be run by its first line alone.
        for offset in range(mutant["line"] - first, 0, -1):
            if found := [name for name, lines in tests.items() if lines >> offset & 1]:
                return found
        return list(tests)

    def _deadline(self, name: str) -> None:
        signal.signal(signal.SIGPROF, lambda *_: give_up(name))
        signal.signal(signal.SIGALRM, lambda *_: give_up(name))
        signal.setitimer(signal.ITIMER_PROF, CPU_LIMIT + 10 * self._measured[name].seconds)
        signal.setitimer(signal.ITIMER_REAL, WALL_LIMIT + 10 * self._measured[name].seconds)

    def _passes(self, name: str, following: str | None) -> bool:
        # What is shared by all tests is never torn down in a fork: others go on with it.
        item = self._items[name]
        after = self._items.get(following or "", self._other)
        return not any(report.failed for report in runtestprotocol(item, False, after))

    # --- forks -----------------------------------------------------------------------------------

    def _forked(
        self, tasks: Iterable[Any], work: Callable[[Any], str]
    ) -> Iterator[tuple[Any, str]]:
        """Do each task in a fork of its own, some at a time; yield it with its answer."""
        waiting = iter(tasks)
        while True:
            while len(self._children) < self._jobs:
                try:
                    task = next(waiting)
                except StopIteration:
                    break
                self._fork(task, work)
            if not self._children:
                return
            child, _ = os.wait()
            if child in self._children:
                task, answers = self._children.pop(child)
                yield task, os.pread(answers, os.fstat(answers).st_size, 0).decode()
                os.close(answers)

    def _fork(self, task: Any, work: Callable[[Any], str]) -> None:
        answers = os.memfd_create("answer")
        child = os.fork()
        if child == 0:
            run_in_child(task, work, answers)
        self._children[child] = (task, answers)


ANSWER = -1  # Where a fork writes its answer.


def run_in_child(task: Any, work: Callable[[Any], str], answers: int) -> NoReturn:
    """Do a task in silence, write its answer, and end without what pytest does at its end."""
    globals()["ANSWER"] = answers
    silence = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(silence, descriptor)
    try:
        os.write(answers, work(task).encode())
    except BaseException as failure:  # A mutant may raise anything.
        os.write(answers, told("killed", type(failure).__name__).encode())
    finally:
        os._exit(0)


def give_up(name: str) -> NoReturn:
    """End a mutant that does not come to an end; a test's folders in memory go with it."""
    os.write(ANSWER, told("timeout", name).encode())
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, 5)
    atexit._run_exitfuncs()
    os._exit(0)


def told(status: str, by: str) -> str:
    return json.dumps({"status": status, "by": by})


def put_in_place(mutant: dict[str, Any], source: str, functions: list[FunctionType]) -> bool:
    """Give the loaded functions what the mutant of a source changes; say whether that is anything.

    Raises `SyntaxError` for a mutant that is no Python.
    """
    path = Path(mutant["file"]).resolve()
    changed = source[: mutant["start"]] + mutant["text"] + source[mutant["end"] :]
    after = function_in(changed, path, mutant["function"])
    is_other = any(not is_same_code(function.__code__, after) for function in functions)
    defaults = {} if is_other else changed_defaults(source, changed, mutant["function"])
    for function in functions:
        if is_other:
            function.__code__ = after
        change_defaults(function, defaults)
    return is_other or bool(defaults)


def function_in(source: str, path: Path, name: str) -> CodeType:
    """Return the code of a function in a module."""
    found = codes(compile(source, str(path), "exec", dont_inherit=True))
    return next(each for each in found if each.co_qualname == name)


def is_same_code(one: CodeType, other: CodeType) -> bool:
    """Say whether two functions do the same, wherever their lines are."""
    parts = [(each.co_code, each.co_names, each.co_varnames) for each in (one, other)]
    if parts[0] != parts[1] or len(one.co_consts) != len(other.co_consts):
        return False
    return all(
        is_same_code(a, b)
        if isinstance(a, CodeType) and isinstance(b, CodeType)
        else (type(a), repr(a)) == (type(b), repr(b))
        for a, b in zip(one.co_consts, other.co_consts, strict=True)
    )


def changed_defaults(source: str, changed: str, name: str) -> dict[str, Any]:
    """Return the parameters whose default is another one, with that."""
    before, after = (defaults_of(text, name) for text in (source, changed))
    return {each: after[each] for each in after if after[each] != before.get(each, _NO_LITERAL)}


_NO_LITERAL = object()


def defaults_of(source: str, name: str) -> dict[str, Any]:
    """Return the defaults of a function that are literals."""
    scope: Any = ast.parse(source)
    for part in name.split("."):
        scope = next(each for each in scope.body if getattr(each, "name", "") == part)
    arguments = scope.args
    positional = [*arguments.posonlyargs, *arguments.args]
    named = [
        *zip(positional[::-1], arguments.defaults[::-1], strict=False),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    found: dict[str, Any] = {}
    for argument, default in named:
        with suppress(ValueError, TypeError):
            found[argument.arg] = ast.literal_eval(default)
    return found


def change_defaults(function: FunctionType, defaults: dict[str, Any]) -> None:
    """Give the parameters of a loaded function other defaults."""
    count = function.__code__.co_argcount
    positional = list(function.__defaults__ or ())
    names = function.__code__.co_varnames[count - len(positional) : count]
    for name, value in defaults.items():
        if name in names:
            positional[names.index(name)] = value
        elif function.__kwdefaults__:
            function.__kwdefaults__[name] = value
    function.__defaults__ = tuple(positional) or None


def codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from codes(each)


def is_test_of(file: str, test: str) -> bool:
    """Say whether a test is among those of a module, whose names mirror the tree."""
    subject = Path(file).with_suffix("")
    folder = Path("tests/unit", *subject.parts[:-1])
    tests = f"{folder}/test_{subject.name}"
    return test.startswith((f"{tests}.py", f"{tests}_", f"{folder}/{subject.name}/"))


def functions_by_line() -> dict[str, dict[int, tuple[str, int]]]:
    """Return by file which function each line belongs to, and the how many-th of it it is."""
    found = defaultdict[str, dict[int, tuple[str, int]]](dict)
    for name, code, lines in source_functions():
        for line in lines:
            found[code.co_filename][line] = (name, line - code.co_firstlineno)
    return found


def function_versions() -> dict[str, str]:
    """Return the digest of the source of each function."""
    found: dict[str, str] = {}
    for name, code, lines in source_functions():
        text = linecache.getlines(code.co_filename)
        source = "".join(text[code.co_firstlineno - 1 : max(lines, default=0)])
        found[name] = digest((found.get(name, "") + source).encode())
    return found


def source_functions() -> Iterator[tuple[str, CodeType, set[int]]]:
    """Yield the name, the code and the numbers of the lines of each function."""
    for path in (path.resolve() for folder in PACKAGES for path in Path(folder).rglob("*.py")):
        file = path.relative_to(Path.cwd())
        for code in outermost(compile(path.read_text(), str(path), "exec", dont_inherit=True)):
            numbers = (line for inner in codes(code) for _, _, line in inner.co_lines())
            lines = {line for line in numbers if line is not None and line > code.co_firstlineno}
            yield f"{file}::{code.co_qualname}", code, lines


def outermost(code: CodeType) -> Iterator[CodeType]:
    """Yield the functions of a module, and of the classes in it."""
    for each in code.co_consts:
        if isinstance(each, CodeType) and each.co_flags & inspect.CO_NEWLOCALS:
            yield each
        elif isinstance(each, CodeType):
            yield from outermost(each)


def loaded_objects() -> list[Any]:
    """Return what the garbage collector knows; what was exempted from it as well."""
    gc.unfreeze()
    return gc.get_objects()


def loaded_caches() -> list[Any]:
    """Return what remembers the results of our functions."""
    found = (each for each in loaded_objects() if hasattr(type(each), "cache_clear"))
    return [each for each in found if (each.__module__ or "").startswith("shared.")]


def turns(names: list[str]) -> Callable[[str], int]:
    """Return the order that takes one case of every test first, then another one of each."""
    seen = Counter[str]()
    turn = dict[str, int]()
    for name in names:
        test = name.partition("[")[0]
        turn[name] = seen[test]
        seen[test] += 1
    return turn.__getitem__


def function_of(mutant: dict[str, Any]) -> str:
    """Return the name under which the function of a mutant is measured."""
    return f"{mutant['file']}::{mutant['function']}"


def digest(content: bytes) -> str:
    """Return what tells two versions of a file apart."""
    return hashlib.sha256(content).hexdigest()[:16]


def say(line: str) -> None:
    """Print the progress."""
    print(f"   {line}", flush=True)


def loaded_functions() -> dict[str, list[FunctionType]]:
    """Return the functions that are loaded, by file and name."""
    root = Path.cwd()
    found: dict[str, list[FunctionType]] = defaultdict(list)
    for each in loaded_objects():
        if type(each) is FunctionType and each.__code__.co_filename.startswith(f"{root}/shared/"):
            file = Path(each.__code__.co_filename).relative_to(root)
            found[f"{file}::{each.__code__.co_qualname}"].append(each)
    return found
