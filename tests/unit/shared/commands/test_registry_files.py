"""apply and export"""

import re
import stat
from pathlib import Path

import pytest

from shared.domain.errors.requests import StorageFull
from shared.services.registry_files.registry_files import RegistryFiles
from tests.support.terminal import Terminal

FILE = """
[registry]
version_rule = "hold"
licenses = ["MIT", "Apache-2.0"]
refused_licenses = ["AGPL-3.0-only"]
approved_only = true
secrets = false
reserved_names = ["wso2*"]

[organizations.acme]
description = "We greet."
owners = ["ann", "bob"]
members = { mia = "maintainer" }
groups = { "oidc:builders" = "member" }
staged = true
retention = { last = 3, days = 30 }
approvals = 2
licenses = ["MIT OR Apache-2.0"]
refused_licenses = ["GPL-2.0-only"]
secrets_allowed = ["greet:tests/*"]
approved_only = true
max_bytes = 10_000_000
max_releases = 100
version_rule = "refuse"

[[organizations.acme.webhooks]]
url = "https://hooks.example.org/ballroom"
events = ["release", "withdrawal"]

[[organizations.acme.publishers]]
package = "greet"
provider = "github"
ids = { repository_id = "1", repository_owner_id = "2" }
repository = "octo/greet"
workflow = "release.yml"
tag_version = "v{version}"

[organizations.fresh]
visibility = "private"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "registry.toml"
    path.write_text(FILE, encoding="utf-8")
    return path


def test_a_file_is_applied_once(terminal: Terminal, file: Path) -> None:
    printed = terminal.run("apply", str(file))
    assert '~ registry.version_rule: "warn" -> "hold"\n' in printed
    assert '+ registry.reserved_names: "wso2*"\n' in printed
    assert '~ registry.licenses: [] -> ["MIT", "Apache-2.0"]\n' in printed
    assert (
        "~ organizations.acme.retention: { last = 0, days = 0 } -> { last = 3, days = 30 }"
        in printed
    )
    assert "+ organizations.acme.owners.bob: owner\n" in printed
    assert "~ organizations.acme.members.mia: member -> maintainer\n" in printed
    assert '+ organizations.fresh.owners: ["admin"]\n' in printed
    assert re.search(r"\nsecret of the webhook acme \S+: whsec_\S{44}\n", printed)
    assert printed.endswith("\n24 changes.\n")
    assert terminal.run("apply", str(file)) == "Nothing to change.\n"


def test_the_secret_of_a_new_webhook_is_printed_when_what_follows_is_refused(
    terminal: Terminal, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise StorageFull

    # No file makes a change fail that was planned.
    monkeypatch.setattr(RegistryFiles, "_mark", full)
    result = terminal.invoke("apply", str(file))
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert re.search(r"\nsecret of the webhook acme \S+: whsec_\S{44}\n", result.stdout)


def test_a_dry_run_changes_nothing(terminal: Terminal, file: Path) -> None:
    first = terminal.run("apply", str(file), "--dry-run")
    assert first == terminal.run("apply", str(file), "--dry-run")
    assert first.endswith("\n24 changes.\n")


def test_an_exported_file_changes_nothing(terminal: Terminal, file: Path, tmp_path: Path) -> None:
    terminal.run("apply", str(file))
    exported = tmp_path / "exported.toml"
    assert terminal.run("export", str(exported)) == f"Wrote {exported}.\n"
    assert terminal.run("export") == exported.read_text("utf-8")
    for options in ((), ("--prune",)):
        assert terminal.run("apply", str(exported), *options) == "Nothing to change.\n"


def test_the_former_name_of_the_version_rule_is_read_and_not_written(
    terminal: Terminal, file: Path
) -> None:
    file.write_text(FILE.replace("version_rule", "semver"), encoding="utf-8")
    assert '~ registry.version_rule: "warn" -> "hold"\n' in terminal.run("apply", str(file))
    exported = terminal.run("export")
    assert exported.count("version_rule = ") == 2
    assert "semver" not in exported
    file.write_text(FILE, encoding="utf-8")
    assert terminal.run("apply", str(file)) == "Nothing to change.\n"


def test_an_export_is_a_new_file_for_its_owner(terminal: Terminal, tmp_path: Path) -> None:
    exported = tmp_path / "exported.toml"
    terminal.run("export", str(exported))
    assert stat.S_IMODE(exported.stat().st_mode) == 0o600
    exported.write_text("# Mine", "utf-8")
    assert (
        terminal.fail("export", str(exported)) == f"{exported} exists already. Name another file."
    )
    assert exported.read_text("utf-8") == "# Mine"


def test_the_secret_of_a_webhook_is_one_of_the_environment(
    terminal: Terminal, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = FILE.replace("events = [", 'secret_from = "HOOK"\nevents = [')
    file.write_text(text, encoding="utf-8")
    assert "The secret HOOK was not given." in terminal.fail("apply", str(file))
    monkeypatch.setenv("HOOK", "short")
    assert "HOOK is no secret of a webhook" in terminal.fail("apply", str(file))
    monkeypatch.setenv("HOOK", f"whsec_{'QUJD' * 8}")
    assert "whsec" not in terminal.run("apply", str(file))


def test_pruning_removes_what_is_in_no_list(terminal: Terminal, file: Path) -> None:
    terminal.run("apply", str(file))
    file.write_text(
        '[organizations.acme]\nowners = ["ann"]\nmembers = {}\ngroups = {}\npublishers = []\n'
        "webhooks = []\n[registry]\nreserved_names = []\n",
        encoding="utf-8",
    )
    assert terminal.run("apply", str(file)) == "Nothing to change.\n"
    printed = terminal.run("apply", str(file), "--prune")
    assert "- organizations.acme.owners.bob: owner\n" in printed
    assert "- organizations.acme.members.mia: maintainer\n" in printed
    assert '- organizations.acme.groups."oidc:builders": member\n' in printed
    assert '- registry.reserved_names: "wso2*"\n' in printed
    assert printed.endswith("\n6 changes.\n")
    assert terminal.run("apply", str(file), "--prune") == "Nothing to change.\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[registry]\na = 1\n", "Line 2: registry.a is an unknown key. Known keys: licenses"),
        (
            "[registry]\nversion_rule = 'warn'\nversion_rule = 'hold'\n",
            "Cannot overwrite a value (at line 3",
        ),
        ("[registry]\n\nsemver = 'no'\n", "Line 3: registry.version_rule is invalid"),
        (
            "[registry]\nversion_rule = 'warn'\nsemver = 'hold'\n",
            "Line 3: registry.semver is an unknown key.",
        ),
        ("organizations = 1\nregistry = 2\n", "Line 1: organizations is invalid"),
        ("[organizations.acme]\nowners = ['nobody']\n", "Line 2: account not found: nobody."),
        ("[organizations.acme]\nowners = []\n", "Line 2: organizations.acme.owners is invalid"),
        ("[organizations.'a b']\n", "Line 1: 'a b' is not a valid organization name."),
        ("[organizations.acme]\n[organizations.ACME]\n", "Line 2: ACME stands twice"),
        ("[organizations.acme]\nstaged = 'yes'\n", "Line 2: organizations.acme.staged is invalid"),
        ("[registry]\nlicenses = ['(MIT OR']\n", "Line 2: (MIT OR is no license of SPDX"),
        ("[organizations.acme]\n\nlicenses = ['(MIT OR']\n", "Line 3: "),
        ("[organizations.acme]\napprovals = 3\n", "Line 2: 3 approvals cannot be asked for."),
        ("[organizations.acme.groups]\nx = 'member'\n", "Line 2: "),
        (
            "[organizations.acme]\nmembers = { mia = 'owner' }\n",
            "Line 2: organizations.acme.members.mia is invalid: input should be 'maintainer' or",
        ),
        ("[[upstreams]]\naddress = 'central'\n", "Line 1: This registry mirrors no upstream."),
        (
            "\n[[organizations.acme.webhooks]]\nurl = 'http://x.example'\nevents = ['audit']\n",
            "Line 3: The address of a receiver is an https URL",
        ),
        (
            "[[organizations.acme.publishers]]\nprovider = 'github'\npackage = 'greet'\n",
            "Line 1: A publisher of GitHub",
        ),
    ],
)
def test_a_file_with_a_problem_changes_nothing(
    terminal: Terminal, file: Path, text: str, sentence: str
) -> None:
    file.write_text(text, encoding="utf-8")
    failure = terminal.fail("apply", str(file))
    assert sentence in failure
    assert "Nothing was changed." in failure
