"""compare.py says what a deployment of newer templates adds, leaves behind and changes."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra import compare

GROUP = "/subscriptions/0/resourceGroups/rg/providers/"


def resource(kind: str, name: str, **properties: Any) -> dict[str, Any]:
    path = f"{GROUP}{kind}/{name}"
    return {"type": kind, "name": name, "id": path, "apiVersion": "1", "properties": properties}


def snapshot_of(file: Path, *resources: dict[str, Any]) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"predictedResources": resources}))
    return str(file)


def app(**settings: str) -> dict[str, Any]:
    listed = [{"name": name, "value": value} for name, value in settings.items()]
    return resource("Web/sites", "app", siteConfig={"appSettings": listed})


def compared(
    folder: Path, old: list[dict[str, Any]], new: list[dict[str, Any]], capsys: Any
) -> list[str]:
    """Return the lines that the command prints about two snapshots."""
    before = snapshot_of(folder / "old.json", *old)
    after = snapshot_of(folder / "new.json", *new)
    assert compare.main([before, after]) == 0
    return [line.strip() for line in capsys.readouterr().out.splitlines()[1:]]


def test_what_comes_and_what_stays_behind_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = resource("Cdn/rules", "old")
    new = resource("Cdn/rules", "new")
    assert compared(tmp_path, [old], [new], capsys) == [
        "new: Cdn/rules new",
        "no longer managed: Cdn/rules old",
    ]


def test_a_setting_is_compared_by_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = app(SLOTS="3", GONE="x", SAME="y")
    new = app(SAME="y", SLOTS="8", COMES="z")
    assert compared(tmp_path, [old], [new], capsys) == [
        "changed: Web/sites app",
        'properties.siteConfig.appSettings.SLOTS: "3" -> "8"',
        'properties.siteConfig.appSettings.GONE: "x" -> removed',
        'properties.siteConfig.appSettings.COMES: added, "z"',
    ]


def test_a_version_of_an_interface_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = (
        {**resource("Web/sites", "app", url=f"[reference('x', '{day}').url]"), "apiVersion": day}
        for day in ("2024-01-01", "2026-09-01")
    )
    assert compared(tmp_path, [old], [new], capsys) == ["nothing changes"]


def test_resources_of_one_name_are_told_apart_by_what_they_extend(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def log(store: str) -> dict[str, Any]:
        made = resource("Insights/diagnosticSettings", "ballroom")
        made["id"] = f"{GROUP}Storage/{store}/providers/Insights/diagnosticSettings/ballroom"
        return made

    assert compared(tmp_path, [log("one")], [log("one"), log("two")], capsys) == [
        "new: Insights/diagnosticSettings ballroom of two"
    ]


def test_two_folders_are_compared_file_by_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    snapshot_of(tmp_path / "old/dev.json", app(SLOTS="3"))
    snapshot_of(tmp_path / "new/dev.json", app(SLOTS="3"))
    snapshot_of(tmp_path / "new/team.json", app(SLOTS="1"))
    assert compare.main([str(tmp_path / "old"), str(tmp_path / "new")]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "dev",
        "  nothing changes",
        "team",
        "  new: Web/sites app",
    ]


def test_a_file_that_is_no_snapshot_is_named(tmp_path: Path) -> None:
    file = tmp_path / "old.json"
    file.write_text("{}")
    assert "predictedResources" in str(compare.main([str(file), str(file)]))
    assert str(compare.main([str(file)])).startswith("usage: ")
    assert str(compare.main([str(file), str(tmp_path)])).startswith("usage: ")
    assert "absent" in str(compare.main([str(tmp_path / "absent"), str(tmp_path / "absent")]))
