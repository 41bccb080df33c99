"""advisory import, export, sets, over the confined process itself."""

import json
import stat
import zipfile
from pathlib import Path

from tests.support.advisory_files import dump, record
from tests.support.terminal import Terminal

TEXT = ("--summary", "Greetings run commands", "--affected", "..9.0.0")


def test_a_dump_replaces_a_set_and_a_cut_one_changes_nothing(
    published: Terminal, tmp_path: Path
) -> None:
    file = tmp_path / "Maven.zip"
    wrong = {**record("GHSA-9", "g:a"), "modified": "yesterday"}
    content = dump([*(record(f"GHSA-{number}", "g:a") for number in range(3)), wrong])
    file.write_bytes(content)
    said = published.run("advisory", "import", str(file))
    assert "3 advisories were imported into the set maven. 0 about other packages" in said
    file.write_bytes(content[: len(content) // 2])
    assert "Maven.zip cannot be read" in published.fail("advisory", "import", str(file))
    [stored] = published.json("advisory", "sets")
    assert (stored["name"], stored["advisories"], stored["from"]) == ("maven", 3, "Maven.zip")
    assert "no set maven" in published.run("advisory", "remove-set", "maven")
    assert published.json("advisory", "sets") == []


def test_a_text_that_takes_too_much_is_refused(published: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(b"[" * 2_000_000)
    assert "a.json cannot be read" in published.fail("advisory", "import", str(file))


def test_what_is_exported_is_imported_elsewhere_with_its_ids(
    published: Terminal, tmp_path: Path
) -> None:
    file = tmp_path / "advisories.zip"
    published.run("advisory", "draft", "@", "acme/greet", *TEXT)
    published.run("advisory", "publish", "@", "x_BLR-2026-1")
    published.run("advisory", "draft", "@", "acme/greet", *TEXT)
    assert "has the advisories of this registry" in published.run("advisory", "export", str(file))
    with zipfile.ZipFile(file) as archive:
        assert archive.namelist() == ["x_BLR-2026-1.json"]
        exported = json.loads(archive.read("x_BLR-2026-1.json"))
    assert exported["summary"] == "Greetings run commands"
    single = tmp_path / "one.json"
    single.write_text(json.dumps({**exported, "id": "x_BLR-2020-5"}), "utf-8")
    assert "1 advisory was imported." in published.run("advisory", "import", str(single))
    assert "is an advisory that was written here" in published.fail(
        "advisory", "import", str(_written(tmp_path, exported))
    )
    said = published.run("advisory", "import", str(file))
    assert "1 advisory was imported into the set advisories" in said


def test_an_export_is_a_new_file_for_its_owner(published: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "advisories.zip"
    published.run("advisory", "export", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_bytes(b"mine")
    refused = published.fail("advisory", "export", str(file))
    assert refused == f"{file} exists already. Name another file."
    assert file.read_bytes() == b"mine"


def _written(folder: Path, record: object) -> Path:
    file = folder / "own.json"
    file.write_text(json.dumps(record), "utf-8")
    return file
