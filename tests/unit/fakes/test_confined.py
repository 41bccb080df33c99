"""The double of the confined process answers as the process does."""

from pathlib import Path

from shared.confined.process import PartResult
from tests.fakes.confined import InProcess


async def test_it_runs_a_task_in_parts(tmp_path: Path) -> None:
    confined = InProcess(tasks="tests.support.confined_tasks")
    results = await confined.run("parts", tmp_path, ["say a", "recurse", "write 1"])
    await confined.close()
    assert results == [
        PartResult("0:say", None, "a"),
        PartResult("1:recurse", "it cannot be read without an error of the program", None),
        PartResult("2:write", None, None),
    ]
    assert (tmp_path / "output" / "of-1").exists()
    assert confined.ran == ["parts"]
