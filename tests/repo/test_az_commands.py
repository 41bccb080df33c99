"""How commands of `az` and `azd` are found, so that `make check-az` has all of them."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.az.check import TABLE, refused_by_the_table
from tests.az.commands import Command, commands_in, scripts_of, sources, written


def words(script: str) -> list[str]:
    return [" ".join(each) for each in commands_in(script)]


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("az login && azd auth login", ["az login", "azd auth login"]),
        ("az group show --name rg | jq .", ["az group show --name rg"]),
        ("az group create \\\n  --name rg  # A comment.", ["az group create --name rg"]),
        ('ME=$(az account show --query "[0].id")', ["az account show --query [0].id"]),
        ('azd env set X "$(az account show)"', ["az account show", "azd env set X 0"]),
        ("az group show --name ${GROUP:-rg}$1", ["az group show --name 00"]),
        ("for a in b; do az group delete --name $a; done", ["az group delete --name 0"]),
        ("if ! az group exists; then az group create; fi", ["az group exists", "az group create"]),
        ("try az group list > file 2> /dev/null", ["az group list"]),
        ("az a list | xargs -n1 az a delete --ids", ["az a list", "az a delete --ids 0"]),
        ("az x --filter \"name eq '$name'\"", ["az x --filter name eq '0'"]),
        ("az x --query '[?name==`a`]' || fail", ["az x --query [?name==`a`]"]),
        ('echo "Run: azd provision"', []),
        ("# az login", []),
        ("cat > x <<'END'\naz login\nEND\naz logout", ["az logout"]),
        ("azcopy sync a b; ./az.sh; viaz login", []),
        ("x=$(y $(az a b --c d))", ["az a b --c d"]),
        ("(az login)", ["az login"]),
    ],
)
def test_commands_are_found_wherever_a_shell_would_run_them(script: str, found: list[str]) -> None:
    assert words(script) == found


def test_a_page_gives_commands_in_its_examples_and_sentences(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "Run `az group list --output tsv`, then `az group list` and `azd up`.\n"
        "```sh\naz login\n```\n```json\n{}\n```\n"
        '| key | `infra/keys.sh "$(azd env get-value X)" rotate` |\n'
    )
    found = [" ".join(each) for text in scripts_of(page) for each in commands_in(text)]
    assert found == ["az login", "az group list --output tsv", "azd up", "azd env get-value X"]


def test_a_workflow_gives_the_commands_of_its_steps(tmp_path: Path) -> None:
    workflow = tmp_path / "workflow.yml"
    workflow.write_text(
        "name: az login\nsteps:\n  - run: az bicep install\n"
        "  - name: x\n    run: |\n      az a --b \\\n        c\n      az d\n    env: {}\n"
    )
    found = [" ".join(each) for text in scripts_of(workflow) for each in commands_in(text)]
    assert found == ["az bicep install", "az a --b c", "az d"]


def test_every_file_with_commands_is_read() -> None:
    found = Counter(command.place for command in written())
    mentioned = {
        path
        for path in sources()
        if path.suffix == ".sh" and re.search(r"\bazd? \w", path.read_text("utf-8"))
    }
    assert {path.name for path in mentioned} <= {place.rpartition("/")[2] for place in found}
    assert found["docs/run/azure/deployment.md"] > 30
    assert found[".github/workflows/release.yml"] == 2  # For each app.


def test_every_command_of_the_developer_cli_is_in_its_table() -> None:
    ours = [command for command in written() if command.words[0] == "azd"]
    assert len(ours) > 20
    assert list(refused_by_the_table(ours)) == []
    assert all(isinstance(flags, list) for flags in json.loads(TABLE.read_text()).values())


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("azd up --frce", "azd up has no --frce"),
        ("azd env get BALLROOM_URL", "azd has no such command"),
        ("azd login", "azd has no such command"),
    ],
)
def test_a_command_that_the_developer_cli_does_not_know_is_refused(
    command: str, reason: str
) -> None:
    [refused] = refused_by_the_table([Command("page.md", tuple(command.split()))])
    assert refused.startswith(f"page.md: {command}: {reason}")


def test_a_flag_with_its_value_is_that_flag() -> None:
    command = Command("page.md", ("azd", "provision", "--preview", "--environment=prod"))
    assert list(refused_by_the_table([command])) == []
