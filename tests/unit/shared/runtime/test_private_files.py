"""Files and folders for their owner alone, whatever the umask."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from shared.runtime.file_replacement import partial_path
from shared.runtime.private_files import (
    copy_private,
    hold_file_lock,
    make_private_folder,
    open_private,
    paths_readable_by_others,
    remove_permissions_of_others,
    replace_private,
    try_file_lock,
)
from tests.paths import ROOT

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")


@pytest.fixture(autouse=True)
def _open_umask() -> Iterator[None]:
    """Take no permission from what is created."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_folder_and_its_missing_parents_are_for_their_owner(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "a" / "b")
    assert [mode(tmp_path / name) for name in ("a", "a/b")] == [0o700, 0o700]


def test_a_folder_that_exists_keeps_its_permissions(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(mode=0o755)
    make_private_folder(tmp_path / "a" / "b")
    assert [mode(tmp_path / name) for name in ("a", "a/b")] == [0o755, 0o700]


def test_a_new_file_is_for_its_owner(tmp_path: Path) -> None:
    open_private(tmp_path / "file", "wb").close()
    assert mode(tmp_path / "file") == 0o600


def test_a_replaced_file_is_for_its_owner_whoever_could_read_it_before(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    for path in (file, partial_path(file)):
        path.write_text("before")
        path.chmod(0o644)
    replace_private(file, "é".encode())
    assert (file.read_text("utf-8"), mode(file)) == ("é", 0o600)
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_a_copy_has_the_content_and_the_time_and_is_for_its_owner(tmp_path: Path) -> None:
    file = tmp_path / "file"
    copy = tmp_path / "copy"
    file.write_bytes(b"content")
    file.chmod(0o644)
    os.utime(file, ns=(1_000, 2_000))
    copy_private(file, copy)
    assert (copy.read_bytes(), copy.stat().st_mtime_ns, mode(copy)) == (b"content", 2_000, 0o600)


def test_the_permissions_of_others_are_taken_and_no_more(tmp_path: Path) -> None:
    for given, left in ((0o755, 0o700), (0o640, 0o600), (0o500, 0o500)):
        tmp_path.chmod(given)
        remove_permissions_of_others(tmp_path)
        assert mode(tmp_path) == left
    tmp_path.chmod(0o700)


def test_what_others_may_open_is_found_in_every_folder(tmp_path: Path) -> None:
    root = tmp_path / "root"
    make_private_folder(root / "a" / "b")
    open_private(root / "a" / "b" / "private", "wb").close()
    assert list(paths_readable_by_others(root)) == []
    (root / "a" / "b" / "shared").write_bytes(b"")
    (root / "a" / "b" / "nowhere").symlink_to("missing")
    (root / "a").chmod(0o710)
    assert list(paths_readable_by_others(root)) == [root / "a", root / "a" / "b" / "shared"]


# --- Locks ---------------------------------------------------------------------------------------

HOLD = """
import sys, time
from pathlib import Path
from shared.runtime.file_replacement import partial_path
from shared.runtime.private_files import try_file_lock
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
    path = tmp_path / "folder" / "lock"
    order = list[str]()

    def wait() -> None:
        with hold_file_lock(path):
            order.append("second")

    with hold_file_lock(path):
        waiting = Thread(target=wait)
        waiting.start()
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]
