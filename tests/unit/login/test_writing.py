"""Settings.toml is replaced at once, for its owner alone, and what was there is kept beside it."""

from pathlib import Path

import pytest

from shared.login.merging import Unmergeable
from shared.login.writing import Unwritable, read, replace, settings_file

STAMP = "20261120T103000Z"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "home" / ".ballerina" / "Settings.toml"


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_the_folder_is_the_one_that_bal_reads() -> None:
    assert settings_file({}) == Path.home() / ".ballerina" / "Settings.toml"
    assert settings_file({"BALLERINA_HOME_DIR": "/b"}) == Path("/b/Settings.toml")


def test_the_first_settings_come_with_their_folder_and_without_a_copy(file: Path) -> None:
    assert read(file) is None
    assert replace(file, "a = 1\r\n", STAMP) is None
    assert file.read_bytes() == b"a = 1\r\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert names(file.parent) == ["Settings.toml"]


def test_what_was_there_is_kept_beside_it_for_its_owner_alone(file: Path) -> None:
    file.parent.mkdir(parents=True)
    file.write_bytes(b"old = true\r\n")
    file.chmod(0o644)
    backup = replace(file, "new = true\n", STAMP)
    assert backup is not None
    assert backup.name == f"Settings.toml.{STAMP}.bak"
    assert backup.read_bytes() == b"old = true\r\n"
    assert [each.stat().st_mode & 0o777 for each in (file, backup)] == [0o600, 0o600]
    assert read(file) == "new = true\n"


def test_a_copy_never_replaces_another_one(file: Path) -> None:
    for number in range(4):
        replace(file, str(number), STAMP)
    backups = [f"Settings.toml.{STAMP}{more}.bak" for more in ("-2", "-3", "")]
    assert names(file.parent) == ["Settings.toml", *backups]
    assert [file.with_name(each).read_text() for each in backups] == ["1", "2", "0"]


def test_a_link_stays_one(file: Path, tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles" / "ballerina.toml"
    kept.parent.mkdir()
    kept.write_text("old")
    file.parent.mkdir(parents=True)
    file.symlink_to(kept)
    backup = replace(file, "new", STAMP)
    assert file.is_symlink()
    assert kept.read_text() == "new"
    assert backup == kept.with_name(f"ballerina.toml.{STAMP}.bak")


def test_a_link_to_nothing_yet_makes_what_it_leads_to(file: Path, tmp_path: Path) -> None:
    file.parent.mkdir(parents=True)
    file.symlink_to(tmp_path / "later.toml")
    assert read(file) is None
    replace(file, "new", STAMP)
    assert (tmp_path / "later.toml").read_text() == "new"


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    file = tmp_path / "plain" / "Settings.toml"
    with pytest.raises(Unwritable, match=r"Settings.toml cannot be written: .* BALLERINA_HOME_DIR"):
        replace(file, "new", STAMP)


def test_settings_that_are_a_folder_are_a_sentence(file: Path) -> None:
    file.mkdir(parents=True)
    with pytest.raises(Unwritable, match=r"cannot be read: is a directory"):
        read(file)
    with pytest.raises(Unwritable, match=r"cannot be written: is a directory"):
        replace(file, "new", STAMP)


def test_a_text_that_cannot_be_written_leaves_no_litter(file: Path) -> None:
    replace(file, "old", STAMP)
    with pytest.raises(UnicodeEncodeError):
        replace(file, "\ud800", STAMP)
    assert file.read_text() == "old"
    assert names(file.parent) == ["Settings.toml", f"Settings.toml.{STAMP}.bak"]


@pytest.mark.parametrize(
    ("content", "reason"), [(b"\xff\xfe", "not UTF-8"), (b"#" * 1_000_001, "far too large")]
)
def test_a_file_that_is_no_text_is_left_alone(file: Path, content: bytes, reason: str) -> None:
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    with pytest.raises(Unmergeable, match=reason):
        read(file)
