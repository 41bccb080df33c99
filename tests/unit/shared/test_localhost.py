"""The start of the registry: what stands in its way is one line for whoever started it."""

import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from shared.hosting.triggers import StartRefused
from shared.localhost import application, main
from tests.support.processes import free_port


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return a data folder that another version of the program has written."""
    folder = tmp_path / "data"
    folder.mkdir()
    with closing(sqlite3.connect(folder / "ballroom.db")) as database:
        database.execute("PRAGMA user_version = 1000")
    monkeypatch.setenv("BALLROOM_DATA", str(folder))
    monkeypatch.setenv("PORT", str(free_port()))
    return folder


def test_a_database_of_a_newer_version_ends_the_start_with_one_line(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    [line] = said.err.splitlines()
    assert line.startswith(f"{data / 'ballroom.db'} has schema 1000, and this Ballroom needs ")
    assert line.endswith(
        "or restore the backup from before its upgrade (docs/run/self-hosting.md, Upgrade)."
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_a_folder_of_another_user_ends_the_start_with_one_line(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As after a restore by another user than that of the service."""
    data.chmod(0)
    user = os.geteuid()
    if user == 0:  # To whom permissions do not apply.
        os.seteuid(65534)
    try:
        assert main([]) == 1
    finally:
        os.seteuid(user)
        data.chmod(0o700)
    [line] = capsys.readouterr().err.splitlines()
    assert line.endswith(
        " cannot be opened: Permission denied. Run this as the user of the registry, or give this "
        "user the right to it."
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "0:0:0:0:0:0:0:0"])  # noqa: S104 - refused.
def test_a_registry_for_every_address_does_not_start_without_its_own(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], host: str
) -> None:
    monkeypatch.setenv("BALLROOM_HOST", host)
    assert main([]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"BALLROOM_HOST={host} listens on every address of this machine, ")
    example = line.rpartition("BALLROOM_URL=")[2].removesuffix(".")
    port = os.environ["PORT"]
    assert example.startswith("http://")
    assert example.endswith(f":{port}")
    assert "127.0.0.1" not in example
    # With what the sentence says, the start goes on to the next obstacle.
    monkeypatch.setenv("BALLROOM_URL", example)
    assert main([]) == 1
    assert str(data / "ballroom.db") in capsys.readouterr().err


def test_the_example_for_https_begins_so(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BALLROOM_HOST", "::")
    monkeypatch.setenv("BALLROOM_TLS_CERT", str(data / "chain.pem"))
    assert main([]) == 1
    assert "BALLROOM_URL=https://" in capsys.readouterr().err


@pytest.mark.usefixtures("data")
def test_an_unknown_setting_ends_the_start_before_anything_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BALLROOM_HOST", "::")
    monkeypatch.setenv("BALLROOM_ULR", "https://registry.test")
    assert main([]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("BALLROOM_ULR is not a setting")
    assert "Did you mean BALLROOM_URL?" in line


@pytest.mark.usefixtures("data")
def test_a_mistyped_setting_opens_no_registry_under_another_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BALLROOM_READER", "signed_in")
    with pytest.raises(StartRefused, match=r"Did you mean BALLROOM_READERS\?"):
        application()
    monkeypatch.delenv("BALLROOM_READER")
    monkeypatch.setenv("BALLROOM_READERS", "staff")
    with pytest.raises(StartRefused, match="'staff' is not one of everybody, signed_in"):
        application()
