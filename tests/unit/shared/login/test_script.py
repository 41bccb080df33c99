"""The one file that is handed out: the modules of the product, for one registry."""

import ast
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

from shared.login import command, device_login, settings_file, toml_text
from shared.login.script import MODULES, login_script
from tests.paths import ROOT

SCRIPT = login_script("https://registry.test")
OLDEST = (3, 9)


def defined(tree: ast.Module) -> list[str]:
    """Return the names that a module defines on its first level."""
    names: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign):
            names += [target.id for target in node.targets if isinstance(target, ast.Name)]
    return names


def test_it_holds_every_definition_of_its_modules_once() -> None:
    found = Counter(defined(ast.parse(SCRIPT)))
    for module in (toml_text, settings_file, device_login, command):
        source = Path(str(module.__file__)).read_text("utf-8")
        assert set(defined(ast.parse(source))) <= set(found)
    assert [name for name, count in found.items() if count > 1] == []
    assert len(MODULES) == 4


def test_it_is_python_of_the_oldest_version_that_it_promises() -> None:
    assert ast.parse(SCRIPT, feature_version=OLDEST)
    assert f"Python {OLDEST[0]}.{OLDEST[1]}" in SCRIPT


def test_it_imports_the_standard_library_alone() -> None:
    imported = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.walk(ast.parse(SCRIPT))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert {name.partition(".")[0] for name in imported} <= {*sys.stdlib_module_names}


def test_it_knows_one_address() -> None:
    assert f"ADDRESS = {json.dumps('https://registry.test')}\n" in SCRIPT
    assert "curl -fsS https://registry.test/login.py | python3 -" in SCRIPT


def run(script: str, *arguments: str, home: Path, stdin: str = "") -> tuple[int, str]:
    """Run a script by its standard input, as `curl … | python3 -` does."""
    process = subprocess.run(
        [sys.executable, "-I", "-", *arguments],
        input=script + stdin,
        cwd=home,
        env={"HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert process.stderr == ""
    return process.returncode, process.stdout


def test_it_says_how_it_is_used(tmp_path: Path) -> None:
    code, printed = run(SCRIPT, "--help", home=tmp_path)
    assert code == 0
    assert "https://registry.test" in printed
    assert "--no-browser" in printed


def test_settings_that_it_cannot_merge_are_left_alone_before_anybody_is_asked(
    tmp_path: Path,
) -> None:
    settings = tmp_path / ".ballerina" / "Settings.toml"
    settings.parent.mkdir()
    settings.write_text("repository = {}")
    # An address where nobody listens: it would be named, had it been asked.
    code, printed = run(login_script("http://127.0.0.1:1"), home=tmp_path)
    assert code == 1
    assert printed.startswith(f"{settings} was left as it is. It says repository = …")
    assert settings.read_text() == "repository = {}"


def test_a_registry_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    code, printed = run(login_script("http://127.0.0.1:1"), home=tmp_path)
    assert code == 1
    assert printed.startswith("http://127.0.0.1:1 cannot be reached: ")
    assert printed.count("\n") == 1
    assert not (tmp_path / ".ballerina").exists()


def test_the_command_of_a_clone_is_the_same_code(tmp_path: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "shared.cli", "login", "http://registry.test"],
        cwd=ROOT,
        env={"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 1
    assert "Others could read the token along on plain http" in process.stdout
