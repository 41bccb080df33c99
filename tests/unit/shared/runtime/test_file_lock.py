"""Locks between processes."""

import subprocess
import sys
from pathlib import Path
from threading import Thread

from shared.runtime.file_lock import hold_file_lock, try_file_lock

ROOT = Path(__file__).parents[4]
HOLD = """
import sys, time
from pathlib import Path
from shared.runtime.file_lock import try_file_lock
lock = try_file_lock(Path(sys.argv[1]))
assert lock
print("held", end="", flush=True)
time.sleep(60)
"""


def test_a_lock_has_one_holder(tmp_path: Path) -> None:
    lock = try_file_lock(tmp_path / "lock")
    assert lock is not None
    assert try_file_lock(tmp_path / "lock") is None
    lock.close()
    again = try_file_lock(tmp_path / "lock")
    assert again is not None
    again.close()


def test_a_lock_is_released_when_its_process_is_killed(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "lock")], cwd=ROOT, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.read(4) == b"held"
        assert try_file_lock(tmp_path / "lock") is None
    finally:
        holder.kill()
        holder.communicate()
    lock = try_file_lock(tmp_path / "lock")
    assert lock is not None
    lock.close()


def test_a_caller_waits_for_a_held_lock(tmp_path: Path) -> None:
    path, order = tmp_path / "folder" / "lock", list[str]()

    def wait() -> None:
        with hold_file_lock(path):
            order.append("second")

    with hold_file_lock(path):
        waiting = Thread(target=wait)
        waiting.start()
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]
