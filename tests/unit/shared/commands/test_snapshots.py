"""snapshot …"""

from pathlib import Path

from tests.support.terminal import Terminal


def taken(terminal: Terminal) -> str:
    """Take a snapshot, and return its name."""
    return terminal.run("snapshot", "take").split()[1].rstrip(":")


def test_a_registry_moves_to_another_folder_with_its_archives(
    published: Terminal, tmp_path: Path
) -> None:
    name = taken(published)
    [row] = published.json("snapshot", "list")
    assert row["name"] == name
    other = Terminal(tmp_path / "other")
    there = ("--from", str(published.data))
    assert other.run("snapshot", "restore", name, *there).startswith("Restored ")
    assert other.run("upkeep", "run", "audit-archives") == "audit-archives: checked 1, changed 0.\n"
    assert other.json("org", "list") == published.json("org", "list")
    line = other.fail("snapshot", "restore", taken(published), *there)
    assert line == "There is a registry here already. Restore to an empty one."


def test_a_snapshot_is_verified(published: Terminal) -> None:
    name = taken(published)
    assert published.run("snapshot", "verify", name).startswith(f"{name} is complete: ")
    (published.data / "snapshots" / name / "events.jsonl.gz").write_bytes(b"")
    line = published.fail("snapshot", "verify", name)
    assert line == f"events.jsonl.gz of the snapshot {name} is not as it was written."


def test_a_release_without_its_archive_is_named_and_the_restore_may_be_repeated(
    published: Terminal, tmp_path: Path
) -> None:
    name = taken(published)
    other = Terminal(tmp_path / "other")
    (published.data / "snapshots").rename(tmp_path / "snapshots")
    assert other.fail("snapshot", "verify", name).startswith(f"{other.data}")
    other.data.mkdir()
    (tmp_path / "snapshots").rename(other.data / "snapshots")
    result = other.invoke("snapshot", "restore", name)
    assert result.exit_code == 1
    assert "  acme/greet:1.0.0: its archive is missing.\n" in result.stdout
    (other.data / "archives").mkdir(exist_ok=True)
    (published.data / "archives" / "sha256").rename(other.data / "archives" / "sha256")
    assert "upkeep run repair-derived-data" in other.run("snapshot", "restore", name)
    assert (
        other.run("upkeep", "run", "repair-derived-data")
        == "repair-derived-data: checked 1, changed 1.\n"
    )


def test_a_folder_without_a_registry_has_no_snapshots(terminal: Terminal, tmp_path: Path) -> None:
    line = terminal.fail("snapshot", "list", "--from", str(tmp_path / "nothing"))
    assert str(tmp_path / "nothing") in line


def test_a_restore_names_the_webhooks_that_need_a_secret(
    terminal: Terminal, tmp_path: Path
) -> None:
    hook = ("https://hooks.example.org/x", "--event", "release")
    secrets = [terminal.run("webhook", "add", owner, *hook).strip() for owner in ("@acme", "@")]
    name = taken(terminal)
    other = Terminal(tmp_path / "other")
    said = other.run("snapshot", "restore", name, "--from", str(terminal.data))
    [acme] = terminal.json("webhook", "list", "@acme")["webhooks"]
    [own] = terminal.json("webhook", "list", "@")["webhooks"]
    assert "2 webhooks are paused, because the secret is not there." in said
    assert f"ballroom webhook rotate @acme {acme['id']} --reason REASON\n" in said
    assert f"ballroom webhook rotate @ {own['id']}\n" in said
    assert f"the webhook {acme['id']} of acme to hooks.example.org" in other.run("doctor")
    rotated = other.run("webhook", "rotate", "@acme", acme["id"], "--reason", "restored").strip()
    assert rotated not in secrets
    assert f"the webhook {acme['id']}" not in other.run("doctor")
