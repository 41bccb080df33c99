"""Which processes serve a data folder, and who waits for whom."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from shared.adapters.data_folder import DataFolder
from shared.adapters.serving_processes import (
    FolderInUse,
    ServingProcess,
    require_alone,
    serving,
    serving_alone,
)

PARENT = ServingProcess(4711, "elsewhere", "Ballroom 0.3.0 at https://registry.test")
WORKER = ServingProcess(4712, "elsewhere", "a worker of Ballroom 0.3.0", parent=4711)


def test_a_folder_that_nobody_serves_or_this_process_alone_is_free(tmp_path: Path) -> None:
    require_alone(tmp_path / "missing")
    with serving_alone(tmp_path, ServingProcess.this("Ballroom", "https://registry.test")):
        require_alone(tmp_path)


def test_the_process_to_stop_is_named_with_its_machine(tmp_path: Path) -> None:
    with (
        serving(tmp_path, WORKER),
        serving(tmp_path, PARENT),
        pytest.raises(FolderInUse) as refused,
        serving_alone(tmp_path, PARENT),
    ):
        pass
    assert str(refused.value) == (
        "Process 4711 on elsewhere (Ballroom 0.3.0 at https://registry.test) serves the data "
        f"folder {tmp_path} already. Stop it first, or set BALLROOM_DATA to another folder."
    )
    require_alone(tmp_path)


def test_a_process_whose_file_says_nothing_is_refused_too(tmp_path: Path) -> None:
    with serving(tmp_path, PARENT):
        [file] = DataFolder(tmp_path).processes.iterdir()
        file.write_bytes(b"")
        with pytest.raises(FolderInUse, match=r"^Another process serves the data folder "):
            require_alone(tmp_path)


def test_workers_whose_parent_was_killed_are_awaited(tmp_path: Path) -> None:
    with ExitStack() as worker, ThreadPoolExecutor() as threads:
        worker.enter_context(serving(tmp_path, WORKER))
        start = threads.submit(require_alone, tmp_path)
        with pytest.raises(TimeoutError):
            start.result(timeout=0.2)
        worker.close()
        start.result()


def test_files_are_used_again(tmp_path: Path) -> None:
    for _ in range(3):
        with serving(tmp_path, PARENT), serving(tmp_path, WORKER):
            pass
    files = sorted(file.name for file in DataFolder(tmp_path).processes.iterdir())
    assert files == ["1", "2"]
