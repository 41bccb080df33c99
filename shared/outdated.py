"""Check the versions that a Ballerina package uses at the registry https://ballroom.example.org.

    curl -fsS https://ballroom.example.org/outdated.py | python3 - Ballerina.toml
    python3 outdated.py --help

It reads the versions of a Ballerina.toml and of the Dependencies.toml beside it, and asks the
registry which of them are withdrawn, deprecated or replaced, and which have newer versions. It
sends organizations, names and versions, with the token of BALLROOM_TOKEN or, outside of CI, of a
login, if there is one. It needs Python 3.9 or later, and nothing else: the registry serves this
module, with its own address, to people who have none of its packages.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from shared.dependency_files import UnreadableFile, UsedVersion, read_versions
from shared.sarif import sarif_location, sarif_log
from shared.script_client import (
    UNREACHABLE,
    counted,
    flaw_of_address,
    is_token,
    objects_in,
    opener_of,
    print_all_characters,
    print_line,
    printable,
    send,
    token_for,
    unreachable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Row = Mapping[str, object]

ADDRESS = "https://ballroom.example.org"  # A registry serves this file with its own.
FORMATS = ("table", "json", "sarif")
# The most serious one first; `--fail-on` names the least serious one that fails.
STATES = ("withdrawn", "missing", "deprecated", "newer")
NEVER = "never"

# Exit codes.
OUTDATED = 1
FAILED = 2

AT_ONCE = 40  # Packages in one request: a page of the answer.
TIMEOUT_S = 30.0


class CheckFailed(Exception):
    """Nothing was checked; the text is a sentence that says why."""


@dataclass
class CheckOptions:
    """What was asked for; `argparse` sets what is given."""

    address: str
    file: str = "Ballerina.toml"
    output: str = "table"
    fail_on: str = "newer"


def main(arguments: list[str], address: str) -> int:
    """Check the dependencies of a package; return the exit code."""
    print_all_characters()
    parser = argparse.ArgumentParser(
        prog="outdated.py", description=f"Check the versions that a package uses at {address}."
    )
    add = parser.add_argument
    add("file", nargs="?", default="Ballerina.toml", help="Ballerina.toml or Dependencies.toml")
    add(
        "--format",
        "--output",  # Its name in earlier versions.
        dest="output",
        choices=FORMATS,
        default=FORMATS[0],
        help="form of the answer (%(default)s)",
    )
    add(
        "--fail-on",
        choices=(*STATES, NEVER),
        default="newer",
        help="least serious state that ends with exit code 1 (%(default)s)",
    )
    return run(parser.parse_args(arguments, CheckOptions(address)), os.environ, print_line)


def run(
    options: CheckOptions, environment: Mapping[str, str], print_line: Callable[[str], None]
) -> int:
    """Check, and print the answer; return the exit code: 0, `OUTDATED` or `FAILED`."""
    try:
        used = list(read_versions(Path(options.file)))
        rows = ask(options.address, used, token_for(options.address.rstrip("/"), environment))
    except (CheckFailed, UnreadableFile) as reason:
        sys.stderr.write(f"{reason}\n")
        return FAILED
    found = [(each, row) for each, row in zip(used, rows) if row.get("state") != "current"]  # noqa: B905 - Python 3.9 has no `strict`.
    if options.output == "json":
        print_line(json.dumps({"packages": rows}, indent=2))
    elif options.output == "sarif":
        print_line(json.dumps(as_sarif(found, options.address), indent=2))
    else:
        for each, row in found:
            print_line(f"{each.org}/{each.name}:{each.version}  {sentence(row)}")
        checked = counted(len(used), "version")
        need = "needs" if len(found) == 1 else "need"
        print_line(f"{checked} checked, {len(found)} of them {need} a look.")
    serious = STATES[: STATES.index(options.fail_on) + 1] if options.fail_on != NEVER else ()
    return OUTDATED if any(row.get("state") in serious for _, row in found) else 0


# --- The registry -------------------------------------------------------------------------------


def ask(address: str, used: Sequence[UsedVersion], token: str) -> list[Row]:
    """Return what became of each version, in their order; raise `CheckFailed`."""
    if flaw := flaw_of_address(address, has_token=bool(token)):
        raise CheckFailed(flaw)
    if token and not is_token(token):
        message = (
            "The token of BALLROOM_TOKEN or of Settings.toml is not an access token. Copy it from "
            "the page that showed it, or sign in again."
        )
        raise CheckFailed(message)
    rows: list[Row] = []
    for start in range(0, len(used), AT_ONCE):
        part = used[start : start + AT_ONCE]
        found = _ask(address.rstrip("/"), part, token)
        if len(found) != len(part):
            message = f"{address} gave an answer that cannot be read. Check the address."
            raise CheckFailed(message)
        rows.extend(found)
    return rows


def _ask(address: str, used: Sequence[UsedVersion], token: str) -> list[Row]:
    tables = (
        f"[[package]]\norg = {json.dumps(each.org)}\nname = {json.dumps(each.name)}\n"
        f"version = {json.dumps(each.version)}\n"
        for each in used
    )
    request = urllib.request.Request(  # noqa: S310 - the scheme was checked.
        f"{address}/api/v1/check",
        data=json.dumps({"dependencies": "".join(tables)}).encode(),
        headers={"Content-Type": "application/json", "User-Agent": "ballroom-outdated"},
    )
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        answer = send(opener_of(address), request, timeout_s=TIMEOUT_S)
    except UNREACHABLE as error:
        message = f"{unreachable(address, error)} Check the address."
        raise CheckFailed(message) from None
    if not answer.is_good:
        message = answer.refusal or f"{address} answered {answer.status}. Check the address."
        raise CheckFailed(message)
    return objects_in(answer.fields.get("packages"))


# --- The answer ---------------------------------------------------------------------------------


def sentence(row: Row) -> str:
    """Return what became of a version, and what to use."""
    state = row.get("state")
    newest = printable(row.get("newest"))
    clauses: list[str] = []
    if state == "withdrawn":
        withdrawal = row.get("withdrawal")
        fields: Row = cast("Row", withdrawal) if isinstance(withdrawal, dict) else {}
        reason = ": ".join(filter(None, (printable(fields.get(e)) for e in ("reason", "note"))))
        clauses.append(f"withdrawn{f' ({reason})' if reason else ''}")
    elif state == "missing":
        clauses.append("not in this registry, or not for you")
    elif row.get("deprecation") is not None:
        clauses.append(f"deprecated: {printable(row.get('deprecation'))}".rstrip(": "))
    if row.get("successor"):
        clauses.append(f"replaced by {printable(row.get('successor'))}")
    if newest:
        clauses.append(f"newest is {newest}")
    breaking = row.get("breakingVersions")
    if isinstance(breaking, list) and breaking:
        versions = ", ".join(map(printable, cast("list[object]", breaking)))
        clauses.append(f"callers break in {versions}")
    return "; ".join(clauses)


_LEVELS = {"withdrawn": "error", "missing": "warning", "deprecated": "warning", "newer": "note"}
_RULES = {
    "withdrawn": "A version that is used was withdrawn.",
    "missing": "A version that is used is not in the registry, or not for you.",
    "deprecated": "A version that is used is deprecated.",
    "newer": "There is a newer version.",
}


def as_sarif(found: Sequence[tuple[UsedVersion, Row]], address: str) -> Row:
    """Return the findings in SARIF 2.1.0, each at the line of its table."""
    rules = [{"id": state, "shortDescription": {"text": _RULES[state]}} for state in STATES]
    results = [
        {
            "ruleId": str(row.get("state")),
            "level": _LEVELS.get(str(row.get("state")), "note"),
            "message": {"text": f"{each.org}/{each.name}:{each.version}: {sentence(row)}."},
            "locations": [sarif_location(each.file, each.line)],
        }
        for each, row in found
    ]
    driver = {"name": "ballroom outdated", "informationUri": address, "rules": rules}
    return sarif_log(driver, results)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], ADDRESS))
