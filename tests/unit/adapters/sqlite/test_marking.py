"""A mark is seen by all processes, and no two are the same."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from shared.adapters.sqlite.marking import LENGTH, Mark
from tests.paths import ROOT

RENEW = """
import sys
from pathlib import Path
from shared.adapters.sqlite.marking import Mark
Mark(Path(sys.argv[1])).renew()
"""


def test_a_mark_stays_until_it_is_renewed(tmp_path: Path) -> None:
    with closing(Mark(tmp_path / "mark")) as mark:
        assert mark.read() == mark.read()
        seen = {mark.read()}
        for _ in range(100):
            mark.renew()
            seen.add(mark.read())
    assert len(seen) == 101
    assert {len(each) for each in seen} == {LENGTH}


def test_all_who_have_it_open_see_it(tmp_path: Path) -> None:
    path = tmp_path / "mark"
    with closing(Mark(path)) as one, closing(Mark(path)) as other:
        for mark in (one, other, one):
            before = one.read()
            mark.renew()
            assert one.read() == other.read() != before


def test_other_processes_are_seen(tmp_path: Path) -> None:
    path = tmp_path / "mark"
    with closing(Mark(path)) as mark:
        before = mark.read()
        command = [sys.executable, "-c", RENEW, str(path)]
        subprocess.run(command, cwd=ROOT, check=True, timeout=60)
        assert mark.read() != before


def test_it_outlives_those_who_have_it_open(tmp_path: Path) -> None:
    path = tmp_path / "mark"
    with closing(Mark(path)) as mark:
        before = mark.read()
    with closing(Mark(path)) as mark:
        assert mark.read() == before
    assert path.stat().st_mode & 0o777 == 0o600


FULL = """
import resource, sys
from pathlib import Path
from shared.adapters.sqlite.marking import Mark
mark = Mark(Path(sys.argv[1]))
before = mark.read()
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
mark.renew()
assert mark.read() == before
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit.")
def test_a_mark_that_cannot_be_written_stays(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL, str(tmp_path / "mark")]
    subprocess.run(command, cwd=ROOT, check=True, timeout=60)
