"""A task does its work in parts, within one budget."""

import errno
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from shared.confined.budget import Budget
from shared.confined.jobs import Json, Order
from shared.confined.tasks import LINE_BYTES, Job

SECONDS = 20
BYTES = 100
LAST_SECONDS = 3  # Which the other parts leave to the last one.


@dataclass
class FakeLimits:
    """Counts the processor time that a test takes."""

    used: float = 3
    allowed: list[float] = field(default_factory=list)

    def used_seconds(self) -> float:
        return self.used

    def allow(self, seconds: float, output_bytes: int) -> None:
        self.allowed.append(seconds)


class PanicException(BaseException):
    """What a library in Rust raises when it panics."""


class Running:
    """A job of a test, and what it reported."""

    def __init__(
        self, folder: Path, skip: Set[str] = frozenset(), left_seconds: float = SECONDS
    ) -> None:
        self.limits = FakeLimits()
        self.lines = list[Mapping[str, Json]]()
        order = Order(
            "", str(folder), {"wanted": 1}, frozenset(skip), Budget(SECONDS, 1, BYTES), left_seconds
        )
        self.job = Job(order, self.limits, self.lines.append)

    def take(self, seconds: float) -> Callable[[], None]:
        """Return work that takes this processor time."""

        def work() -> None:
            self.limits.used += seconds

        return work

    def write(self, name: str, size: int) -> Callable[[], None]:
        """Return work that writes a file."""

        def work() -> None:
            path = self.job.output / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(bytes(size))

        return work

    def begun(self) -> dict[str, Json]:
        return {str(each["begin"]): each["allowance"] for each in self.lines if "begin" in each}

    def refused(self) -> dict[str, Json]:
        return {str(each["refused"]): each["reason"] for each in self.lines if "refused" in each}


@pytest.fixture
def running(tmp_path: Path) -> Running:
    return Running(tmp_path)


def failing(error: BaseException) -> Callable[[], None]:
    def work() -> None:
        raise error

    return work


def test_the_parts_leave_time_to_the_last_one(running: Running) -> None:
    running.job.run("a", running.take(SECONDS - LAST_SECONDS))
    running.job.run("b", running.take(0))
    running.job.run_last("c", running.take(0))
    assert running.refused() == {"b": "processor"}
    assert running.begun() == {"a": (SECONDS - LAST_SECONDS) / 2, "c": LAST_SECONDS}


def test_the_last_part_has_no_more_than_what_is_left(running: Running) -> None:
    running.job.run("a", running.take(SECONDS - 1))
    running.job.run_last("b", running.take(0))
    assert running.begun()["b"] == 1
    again = Running(running.job.folder, {"a"}, left_seconds=0)
    again.job.run_last("b", again.take(0))
    assert again.refused() == {"b": "processor"}


@pytest.mark.parametrize("left", [SECONDS, LAST_SECONDS + 1, LAST_SECONDS, 1, 0])
def test_the_parts_of_a_job_together_are_allowed_no_more_than_what_is_left(
    tmp_path: Path, left: float
) -> None:
    """Each part takes all that it is allowed, which ends the process."""
    skip = set[str]()
    used = 0.0
    for number in range(50):
        running = Running(tmp_path, skip, left - used)
        (running.job.run if number < 49 else running.job.run_last)(str(number), lambda: None)
        used += sum(map(float, map(str, running.begun().values())))
        skip.add(str(number))
    assert used <= left
    assert used == pytest.approx(left)


def test_a_new_process_leaves_the_same_time_to_the_last_part(tmp_path: Path) -> None:
    running = Running(tmp_path, {"a"}, left_seconds=LAST_SECONDS + 2)
    running.job.run("b", running.take(0))
    assert running.begun() == {"b": 1}


def test_a_part_takes_half_of_what_is_left_and_the_last_one_all(running: Running) -> None:
    running.job.run("a", running.take(8))
    running.job.run("b", running.take(4))
    running.limits.used += 0.5  # Outside of the parts.
    running.job.run_last("c", running.take(0))
    assert running.begun() == {"a": 8.5, "b": 4.5, "c": 7.5}


def test_no_part_begins_when_the_time_is_over(running: Running) -> None:
    running.job.run("a", running.take(SECONDS))
    assert running.job.run("b", lambda: 1) is None
    assert running.refused() == {"b": "processor"}
    assert "b" not in running.begun()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "memory"),
        (OSError(errno.ENOMEM, ""), "memory"),
        (OSError(errno.EFBIG, ""), "output"),
        (OSError(errno.ENAMETOOLONG, ""), "crashed"),
        (RecursionError(), "crashed"),
        (KeyError("x"), "crashed"),
        (PanicException(), "crashed"),
    ],
)
def test_an_error_of_a_part_refuses_it_and_the_next_one_runs(
    running: Running, error: BaseException, reason: str
) -> None:
    assert running.job.run("a", failing(error)) is None
    assert running.job.run("b", lambda: 1) == 1
    assert running.refused() == {"a": reason}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EMFILE])
def test_a_failure_of_the_machine_refuses_nothing(running: Running, number: int) -> None:
    with pytest.raises(OSError, match="broken"):
        running.job.run("a", failing(OSError(number, "broken")))
    assert running.refused() == {}


def test_an_error_is_reported_without_its_message_which_may_quote_the_input(
    running: Running,
) -> None:
    running.job.run("a", failing(ValueError("secret")))
    assert str(running.lines[-1]["error"]).startswith("ValueError at ")
    assert "secret" not in str(running.lines[-1])


def test_an_error_outside_of_the_parts_is_reported_for_the_empty_name(running: Running) -> None:
    running.job.run_task(lambda _job: failing(MemoryError())())
    assert running.refused() == {"": "memory"}


def test_a_result_that_fits_into_no_line_is_refused(running: Running) -> None:
    running.job.run("a", lambda: "x" * LINE_BYTES)
    assert running.refused() == {"a": "output"}


def test_a_file_that_replaces_another_one_counts_once(running: Running) -> None:
    running.job.run("a", running.write("name", 90))
    running.job.run("b", running.write("name", 100))
    running.job.run("c", running.write("name", 101))
    assert running.refused() == {"c": "output"}


def test_output_of_the_parts_before_a_new_process_counts(tmp_path: Path) -> None:
    Running(tmp_path).job.run("a", Running(tmp_path).write("name", 90))
    again = Running(tmp_path, skip={"a"})
    again.job.run("b", again.write("other", 20))
    assert again.refused() == {"b": "output"}


def test_a_job_that_is_repeated_begins_without_output(tmp_path: Path) -> None:
    first = Running(tmp_path)
    first.job.run("a", first.write("name", 90))
    assert Running(tmp_path).job.request == {"wanted": 1}
    assert list((tmp_path / "output").iterdir()) == []


def test_a_task_leaves_only_the_output(running: Running, tmp_path: Path) -> None:
    def task(job: Job) -> None:
        job.run("a", failing(KeyError()))

    running.job.run_task(task)
    assert [each.name for each in tmp_path.iterdir()] == ["output"]
