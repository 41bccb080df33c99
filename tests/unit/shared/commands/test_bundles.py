"""bundle …, from one registry to a new one."""

import stat
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.support.terminal import Terminal

GREET = "acme/greet:1.0.0"


@dataclass(frozen=True)
class Carried:
    """A registry, a new one, and the files that are carried between them."""

    source: Terminal
    target: Terminal
    file: str
    key: str
    trust: str

    def export(self, *selected: str) -> str:
        return self.source.run("bundle", "export", self.file, "--key", self.key, *selected)

    def deliver(self, file: str = "") -> str:
        return self.target.run("bundle", "import", file or self.file, "--trust", self.trust)


@pytest.fixture
def carried(published: Terminal, tmp_path: Path) -> Carried:
    """Return a registry with a package, and a key."""
    file = str(tmp_path / "b")
    key = str(tmp_path / "key")
    said = published.run("bundle", "new-key", key)
    assert said.splitlines()[0].endswith(f"trust {key}.pub:")
    assert (tmp_path / "key.pub").read_text("ascii").strip() == said.splitlines()[1].strip()
    new = replace(published, data=tmp_path / "new")
    return Carried(published, new, file, key, f"{key}.pub")


def test_a_bundle_goes_to_a_registry_that_does_not_exist_yet(carried: Carried) -> None:
    said = carried.export(GREET).splitlines()
    size = Path(carried.file).stat().st_size
    assert said[0] == f"{carried.file} has 1 release in {size:,} bytes."
    cursor = said[1].removeprefix("The next one begins with --after ").removesuffix(".")
    assert int(cursor) > 0
    arguments = ("bundle", "import", carried.file, "--trust", carried.trust)
    result = carried.target.invoke(*arguments)
    assert result.exit_code == 0, result.output
    assert result.stdout == (
        "1 imported, 0 were stored, 0 left out. The bundle is of http://127.0.0.1:7071, up to its "
        f"event {cursor}.\n"
    )
    assert result.stderr == f"checked  {GREET}\nimported  {GREET}\n"
    assert carried.target.json("package", "show", GREET)["upstream"] == "127.0.0.1:7071"
    assert carried.deliver().startswith("0 imported, 1 were stored, ")


@pytest.mark.parametrize(
    "selected",
    [
        ("--org", "acme"),
        ("--after", "0"),
        ("--changed-since", "2020-01-01"),
        ("--org", "acme", "--private"),
    ],
)
def test_releases_are_selected_in_several_ways(carried: Carried, selected: tuple[str, ...]) -> None:
    assert " has 1 release in " in carried.export(*selected)


def test_files_name_releases(carried: Carried, tmp_path: Path) -> None:
    wanted = tmp_path / "wanted"
    lock = tmp_path / "Dependencies.toml"
    wanted.write_text(f"{GREET}\n", "utf-8")
    lock.write_text('[[package]]\norg = "acme"\nname = "greet"\nversion = "1.0.0"\n', "utf-8")
    assert " has 1 release in " in carried.export("--list", str(wanted), "--lock", str(lock))
    assert " has 0 releases in " in carried.export("--pulled-since", "2020-01-01")


def test_a_private_package_is_left_out_and_counted(carried: Carried) -> None:
    carried.source.run(
        "package", "visibility", "acme/greet", "private", "--reason", "It was decided."
    )
    said = carried.export("--org", "acme").splitlines()
    assert said[1] == "1 package that is not public was left out; --private includes them."


def test_both_sides_are_told_who_sees_a_private_package(carried: Carried) -> None:
    carried.source.run(
        "package", "visibility", "acme/greet", "private", "--reason", "It was decided."
    )
    said = carried.export("--org", "acme", "--private").splitlines()
    assert said[1] == (
        "acme/greet: not public here. Every account of a registry that imports "
        f"{carried.file} can see and pull them."
    )
    shown = carried.target.json("bundle", "show", carried.file, "--trust", carried.trust)
    assert shown["private"] == 1
    assert carried.deliver().splitlines()[1] == (
        "acme/greet: internal here, so every account of this registry can see and pull them, and "
        "nobody else."
    )


def test_a_bundle_is_for_its_owner_also_in_place_of_an_earlier_one(carried: Carried) -> None:
    file = Path(carried.file)
    for _ in range(2):
        carried.export(GREET)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        file.chmod(0o644)


def test_an_export_of_nothing_says_how_it_is_used(carried: Carried) -> None:
    result = carried.source.invoke("bundle", "export", carried.file, "--key", carried.key)
    assert result.exit_code == 2
    assert "Say what the bundle gets" in result.stderr
    arguments = ("bundle", "export", carried.file, "--key", carried.key)
    assert carried.source.invoke(*arguments, "greet").exit_code == 2
    assert "'a/b' is not a valid" in carried.source.fail(*arguments, "--org", "a/b")


def test_what_is_left_out_is_said_with_its_reason(carried: Carried) -> None:
    carried.export(GREET)
    carried.target.data.mkdir()
    carried.deliver()
    carried.export(GREET)
    other = replace(carried.source, settings={"BALLROOM_URL": "http://localhost:7072"})
    other.run("bundle", "export", carried.file, "--key", carried.key, GREET)
    result = carried.target.invoke("bundle", "import", carried.file, "--trust", carried.trust)
    assert result.exit_code == 1
    assert f"  {GREET}: the organization belongs to this registry, or " in result.stdout


def test_a_bundle_is_shown(carried: Carried) -> None:
    carried.export(GREET)
    arguments = ("bundle", "show", carried.file, "--trust", carried.trust)
    shown = carried.source.json(*arguments)
    assert (shown["registry"], shown["releases"]) == ("http://127.0.0.1:7071", 1)
    [entry] = carried.source.json(*arguments, "--catalogue")
    assert (entry["name"], entry["version"]) == ("acme/greet", "1.0.0")


def test_a_file_that_is_no_bundle_gets_one_line(carried: Carried, tmp_path: Path) -> None:
    (tmp_path / "no").write_text("no bundle", "utf-8")
    said = carried.target.fail("bundle", "import", str(tmp_path / "no"), "--trust", carried.trust)
    assert said == (
        "The bundle cannot be used: manifest.json is not where a bundle has it. Nothing of it was "
        "imported."
    )
    said = carried.target.fail("bundle", "import", carried.file, "--trust", carried.key)
    unusable = f"{carried.key} lists no public keys of `ballroom bundle new-key`, one a line."
    assert said == f"The file of keys cannot be used: {unusable}"


def test_a_withdrawal_is_carried_and_reported_with_its_reason(carried: Carried) -> None:
    carried.export(GREET)
    carried.deliver()
    reason = ("--reason", "A finding.", "--public-reason", "malware")
    carried.source.run("package", "remove", GREET, *reason, "--yes")
    said = carried.export("--after", "0").splitlines()
    assert said[1] == "It says of 1 more release that it was withdrawn."
    assert "A finding." not in Path(carried.file).read_bytes().decode("latin-1")
    result = carried.target.invoke("bundle", "import", carried.file, "--trust", carried.trust)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0].startswith(
        "0 imported, 0 were stored, 1 withdrawn, 0 left"
    )
    assert result.stdout.splitlines()[1] == (
        f"  {GREET}: quarantined here, because it was withdrawn (malware, for good)"
    )
    shown = carried.target.json("package", "show", GREET)
    assert shown["state"] == "quarantined"
