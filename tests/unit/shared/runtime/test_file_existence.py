import os
import sys
from pathlib import Path

import pytest

from shared.runtime.file_existence import exists


def test_a_path_without_a_file_and_one_within_a_file_do_not_exist(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert exists(file)
    assert exists(tmp_path)
    assert not exists(tmp_path / "other")
    assert not exists(file / "other")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_what_may_not_be_looked_at_is_not_called_missing(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file").touch()
    folder.chmod(0)
    user = os.geteuid()
    if user == 0:  # To whom permissions do not apply.
        os.seteuid(65534)
    try:
        with pytest.raises(PermissionError):
            exists(folder / "file")
    finally:
        os.seteuid(user)
        folder.chmod(0o700)
