"""The child answers each line with what became of a job."""

import io
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from shared.confined.budget import Json
from shared.confined.worker import ProcessLimits, Worker


class Unlimited(ProcessLimits):
    """Leaves the process of the test as it is."""

    def __init__(self) -> None:
        self.lifted = 0

    def allow(self, seconds: float, output_bytes: int) -> None:
        pass

    def allow_memory(self, more_bytes: int) -> None:
        pass

    def lift(self) -> None:
        self.lifted += 1


def lines_of(*jobs: Mapping[str, object]) -> list[Mapping[str, Json]]:
    reported, limits = list[Mapping[str, Json]](), Unlimited()
    sent = b"".join(json.dumps(each).encode() + b"\n" for each in jobs)
    worker = Worker("tests.support.confined_tasks", limits, reported.append)
    worker.serve(io.BytesIO(sent))
    assert limits.lifted == len(jobs)
    return reported


def job(folder: Path, *acts: str, task: str = "parts") -> Mapping[str, object]:
    budget = {"processor_seconds": 10, "memory_bytes": 1, "output_bytes": 1000}
    sent = {"task": task, "folder": str(folder), "request": acts}
    return {**sent, "skip": [], "budget": budget, "left_seconds": 10}


def test_a_job_is_answered_by_its_parts_and_its_end(tmp_path: Path) -> None:
    lines = lines_of(job(tmp_path, "say a"), job(tmp_path, "say b"))
    assert [next(iter(each)) for each in lines] == ["begin", "end", "done"] * 2
    assert [each["result"] for each in lines if "end" in each] == ["a", "b"]


def test_the_memory_that_it_holds_is_measured_above_that_without_work(tmp_path: Path) -> None:
    [*_, done] = lines_of(job(tmp_path, "hold 64"))
    idle_bytes = done["idle_bytes"]
    assert idle_bytes is None or 16 << 20 < int(str(idle_bytes)) < 80 << 20


def test_a_task_that_is_not_in_the_table_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        lines_of(job(tmp_path, task="unknown"))
