"""The findings of doctor, and the ways out."""

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from shared.bootstrap.build import build_registry
from shared.domain.grants import Grant
from shared.domain.names import parse_org
from shared.domain.principals import OPERATOR_ID, Principal
from shared.domain.times import MS
from shared.domain.trusted_publishing.jobs import Provider
from shared.domain.trusted_publishing.publishers import Publisher
from shared.runtime.private_files import make_private_folder, open_private
from shared.services.tokens.tokens import OfOrganization, TokenRequest
from tests.paths import ROOT
from tests.support.terminal import Terminal
from tests.support.trusted_publishing import IDS
from tests.support.world import Template, settings_of

OF_THE_OPERATOR = ("appeals", "contact", "operator")
ADVICE = {*OF_THE_OPERATOR, "confined process", "signing keys"}


def findings(terminal: Terminal) -> dict[str, dict[str, str]]:
    """Return what the doctor found, by what was looked at."""
    result = terminal.invoke("doctor", "--json")
    found = {each["what"]: each for each in json.loads(result.stdout)}
    wrong = {what for what, each in found.items() if not each["ok"]}
    assert (result.exit_code == 0) == (wrong <= ADVICE)  # Advice.
    return found


def test_a_healthy_registry_has_no_problem(terminal: Terminal) -> None:
    found = findings(terminal)
    assert [what for what, each in found.items() if not each["ok"]] == [*OF_THE_OPERATOR]
    lines = terminal.run(
        "doctor",
        BALLROOM_ABUSE_CONTACT="abuse@example.org",
        BALLROOM_PRIVACY_URL="https://example.org/privacy",
        BALLROOM_TERMS_URL="https://example.org/terms",
        BALLROOM_IMPRINT_URL="https://example.org/imprint",
    ).splitlines()
    assert all(line.startswith("ok ") for line in lines)
    assert len(lines) == 16


def test_what_the_operator_does_not_publish_is_advice(terminal: Terminal) -> None:
    found = findings(terminal)
    assert "/.well-known/security.txt is missing (404)" in found["contact"]["found"]
    assert "BALLROOM_SECURITY_CONTACT" in found["contact"]["way_out"]
    result = terminal.invoke("doctor", BALLROOM_TERMS_URL="https://example.org/terms")
    [line] = [each for each in result.stdout.splitlines() if " operator " in each]
    assert line.startswith("advice")
    assert "terms of use (https://example.org/terms)" in line
    assert "BALLROOM_PRIVACY_URL, BALLROOM_IMPRINT_URL" in line


@pytest.mark.parametrize(
    ("name", "effect"),
    [("release-keys", "Pushes are refused"), ("log-keys", "The transparency log takes no entries")],
)
def test_a_key_that_is_missing_or_no_key_is_named(
    terminal: Terminal, name: str, effect: str
) -> None:
    file = terminal.data / "keys" / name
    for content in ("", "no key\n"):
        file.unlink(missing_ok=True)
        if content:
            file.write_text(content)
        found = findings(terminal)["signing keys"]
        assert not found["ok"]
        assert effect in found["found"]
        assert "backup" in found["way_out"]


def test_doctor_checks_versions_and_settings_even_without_a_registry(empty: Terminal) -> None:
    found = findings(empty)
    first = ["versions", "settings", "address", *OF_THE_OPERATOR, "confined process", "data folder"]
    assert list(found) == first
    assert "does not exist" in found["data folder"]["found"]
    assert "Start the registry" in found["data folder"]["way_out"]
    assert not empty.data.exists()


def examined_by_another_user(data: Path) -> subprocess.CompletedProcess[str]:
    """Run doctor without the right of root to read whatever it likes."""
    doctor = [sys.executable, "packaging/ballroom/__main__.py", "doctor"]
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root reads everything here, and setpriv is missing")
        closed = "-dac_override,-dac_read_search"
        doctor = ["setpriv", "--bounding-set", closed, "--inh-caps", "-all", *doctor]
    environment = {"PATH": os.environ["PATH"], "BALLROOM_DATA": str(data)}
    return subprocess.run(
        doctor, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize(
    ("closed", "sentence"),
    [
        (".", "cannot be written: Permission denied. Run this as the user of the registry"),
        ("ballroom.db", "ballroom.db cannot be read by this user. Run this as the user of the"),
        pytest.param(
            "search.db",
            "search.db cannot be read by this user. Run this as the user of the",
            marks=pytest.mark.repeated,
        ),
        pytest.param(
            "keys",
            "keys cannot be read by this user. Run this as the user of the",
            marks=pytest.mark.repeated,
        ),
    ],
)
def test_what_another_user_owns_is_neither_damaged_nor_lost(
    terminal: Terminal, closed: str, sentence: str
) -> None:
    path = terminal.data / closed
    mode = path.stat().st_mode
    path.chmod(0)
    try:
        done = examined_by_another_user(terminal.data)
    finally:
        path.chmod(mode)
    assert done.returncode == 1
    assert sentence in done.stdout
    assert "restore" not in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(
    not Path("/proc/self").is_dir(), reason="there is no folder here that even root cannot write"
)
def test_doctor_reports_a_folder_that_cannot_be_written() -> None:
    found = findings(Terminal(Path("/proc/self")))
    assert "/proc/self cannot be written" in found["data folder"]["found"]
    assert "right to write" in found["data folder"]["way_out"]


def test_unknown_settings_are_errors_that_end_no_backup(terminal: Terminal) -> None:
    result = terminal.invoke("doctor", BALLROOM_READER="signed_in", BALLROOM_BUNDLE="x.bundle")
    assert result.exit_code == 0
    errors = [line for line in result.stdout.splitlines() if line.startswith("error ")]
    assert "BALLROOM_BUNDLE is a setting of an earlier version" in errors[0]
    assert "Did you mean BALLROOM_READERS?" in errors[1]


def test_a_command_warns_of_unknown_settings_once_and_goes_on(terminal: Terminal) -> None:
    result = terminal.invoke("upkeep", "list", "--json", BALLROOM_READER="signed_in")
    assert result.exit_code == 0
    [warning] = result.stderr.splitlines()
    assert warning.startswith("Warning: BALLROOM_READER is not a setting, and has no effect.")
    assert json.loads(result.stdout)


def test_doctor_reports_an_address_that_nobody_can_sign_in_at(terminal: Terminal) -> None:
    result = terminal.invoke("doctor", BALLROOM_URL="http://packages.example.org")
    assert result.exit_code == 1
    assert "problem  address" in result.stdout
    assert "Set BALLROOM_URL to an https address" in result.stdout


@pytest.mark.parametrize(
    ("path", "mode"), [(".", 0o755), ("keys", 0o750), ("ballroom.db", 0o640), ("timers/x", 0o604)]
)
def test_doctor_reports_what_others_may_open(terminal: Terminal, path: str, mode: int) -> None:
    make_private_folder(terminal.data / "timers")
    open_private(terminal.data / "timers" / "x", "wb").close()
    assert findings(terminal)["permissions"]["ok"]
    (terminal.data / path).chmod(mode)
    found = findings(terminal)["permissions"]
    assert found["found"] == f"Others may open {terminal.data / path} ({mode:o})."
    assert found["way_out"] == f"Run: chmod -R go= {terminal.data}"


def test_doctor_counts_what_others_may_open(terminal: Terminal) -> None:
    for path in (terminal.data, terminal.data / "ballroom.db", terminal.data / "search.db"):
        path.chmod(0o755)
    found = findings(terminal)["permissions"]["found"]
    assert found == f"Others may open {terminal.data} (755), and 2 more."


def test_doctor_reports_a_missing_key(terminal: Terminal) -> None:
    for key in (terminal.data / "keys").glob("*.key"):
        key.unlink()
    assert "Start the registry" in findings(terminal)["keys"]["way_out"]


@pytest.mark.parametrize(("what", "file"), [("records", "ballroom.db"), ("search", "search.db")])
def test_doctor_reports_a_damaged_database(terminal: Terminal, what: str, file: str) -> None:
    path = terminal.data / file
    path.write_bytes(b"this is no database" * 1000)
    assert "cannot be read" in findings(terminal)[what]["found"]


def test_doctor_reports_a_page_that_was_overwritten(terminal: Terminal) -> None:
    with sqlite3.connect(terminal.data / "ballroom.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    path = terminal.data / "ballroom.db"
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 5] = b"\xff" * 8192
    path.write_bytes(content)
    assert findings(terminal)["records"]["ok"] is False


@pytest.mark.parametrize(
    ("schema", "way_out"),
    [(99, "Install the newer version"), (0, "Start this version of the registry")],
)
def test_doctor_reports_a_database_of_another_version(
    terminal: Terminal, schema: int, way_out: str
) -> None:
    with sqlite3.connect(terminal.data / "ballroom.db") as connection:
        connection.execute(f"PRAGMA user_version = {schema}")
    connection.close()
    assert findings(terminal)["records"]["way_out"].startswith(way_out)


def test_doctor_reports_a_missing_database(terminal: Terminal) -> None:
    (terminal.data / "search.db").unlink()
    assert findings(terminal)["search"]["way_out"] == "Start the registry to create it."


async def _fill(terminal: Terminal, template: Template) -> None:
    """Store tokens of organizations that ann, somebody unknown and the operator made, a publisher,
    and accounts whose groups were confirmed at different times."""
    registry = build_registry(settings_of(terminal.data))
    directory = registry.adapters.directory
    ann = template.people.ann.account
    now_ms = registry.clock.now_ms()
    by = Principal(ann.id, "session", (Grant(),), signed_in_ms=now_ms)
    for name, changes in (
        ("ci", {}),
        ("old", {"made_by": ""}),
        ("console", {"made_by": OPERATOR_ID}),
        ("guest", {"by_guest": True}),
        ("gone", {"made_by": "deleted000"}),
    ):
        wanted = TokenRequest.parse(name, ["read"], org="acme", package="*", days=None)
        owner = OfOrganization(parse_org("acme"))
        issued = await registry.tokens.access_tokens.issue(owner, wanted, by=by)
        await directory.put(issued.token.model_copy(update=changes))
    for maker in (ann.id, ""):
        await directory.add(
            Publisher(
                id=f"publisher{len(maker) % 9}",
                org="acme",
                package="greet",
                provider=Provider.GITHUB,
                server="",
                ids=IDS[Provider.GITHUB],
                created_ms=0,
                by=maker,
            )
        )
    for person, days in (("mia", -1), ("bob", 2), ("ann", 6)):
        account = getattr(template.people, person).account
        until_ms = now_ms + timedelta(days=days) // MS
        await directory.replace(account.model_copy(update={"groups_until_ms": until_ms}))
    await registry.close()


def test_doctor_names_tokens_of_organizations_whose_makers_are_not_staff_any_more(
    terminal: Terminal, template: Template
) -> None:
    asyncio.run(_fill(terminal, template))
    lines = terminal.run("doctor", BALLROOM_STAFF="@example.org").splitlines()
    [ended] = [line for line in lines if line.startswith("advice   staff")]
    assert "the token ci (" in ended
    assert "of acme, made by ann" in ended
    assert "the trusted publisher publisher1 of acme/greet, made by ann" in ended
    assert "the token gone (" in ended
    assert "made by deleted000" in ended
    assert "let an owner who is staff rotate the token" in ended
    for name in ("console", "guest"):
        assert name not in ended
    again = terminal.run("doctor").splitlines()  # Everybody with an account is staff.
    [ended] = [line for line in again if line.startswith("advice   staff")]
    assert "ann" not in ended


def test_doctor_names_what_has_no_known_maker_under_makers(
    terminal: Terminal, template: Template
) -> None:
    asyncio.run(_fill(terminal, template))
    lines = terminal.run("doctor", BALLROOM_STAFF="@example.org").splitlines()
    [unknown] = [line for line in lines if "Nobody is known to have made" in line]
    assert unknown.startswith("advice   makers")
    assert "the token old (" in unknown
    assert "the trusted publisher publisher0 of acme/greet." in unknown
    for name in ("console", "guest"):
        assert name not in unknown


def test_doctor_names_publishers_whose_rules_exclude_nobody(
    terminal: Terminal, template: Template
) -> None:
    asyncio.run(_fill(terminal, template))
    result = terminal.invoke("doctor")
    [line] = [each for each in result.stdout.splitlines() if each.startswith("advice   publishers")]
    assert "the trusted publisher publisher1 of acme/greet (Anybody who may push a branch" in line
    assert "remove each, and add it again" in line


def test_doctor_names_whose_roles_by_groups_have_ended_or_end_soon(
    terminal: Terminal, template: Template
) -> None:
    asyncio.run(_fill(terminal, template))
    provider = {
        "BALLROOM_OIDC_ISSUER": "http://127.0.0.1:1",  # Where nobody answers.
        "BALLROOM_OIDC_CLIENT_ID": "ballroom",
        "BALLROOM_OIDC_CLIENT_SECRET": "secret",
        "BALLROOM_OIDC_GROUPS_CLAIM": "groups",
    }
    lines = terminal.run("doctor", **provider).splitlines()
    ended, ending = [line for line in lines if line.startswith("advice   group roles")]
    assert "Nobody has confirmed groups for 168 hours of: mia." in ended
    assert "Roles by groups end soon of: bob." in ending
