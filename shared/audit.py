"""Check what a Ballerina package uses for known vulnerabilities, at the registry https://ballroom.example.org.

    curl -fsS https://ballroom.example.org/audit.py | python3 - Dependencies.toml
    python3 audit.py --help

It reads the versions of a Dependencies.toml and the Java libraries of the Ballerina.toml beside it,
and asks the registry which advisories affect them. It sends names and versions, with the token of
BALLROOM_TOKEN or, outside of CI, of a login, if there is one. It needs Python 3.9 or later, and
nothing else: the registry serves this module, with its own address, to people who have none of its
packages.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import quote

from shared.cvss import cvss_rating, cvss_score
from shared.dependency_files import UnreadableFile, read_libraries, read_versions
from shared.sarif import sarif_location, sarif_log
from shared.script_client import (
    objects_in,
    print_all_characters,
    print_line,
    printable,
    read_object,
    token_for,
)
from shared.verification.registry_client import NotAsked, RegistryClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    Fields = Mapping[str, object]

ADDRESS = "https://ballroom.example.org"  # A registry serves this file with its own.
FORMATS = ("table", "json", "sarif")
FILE_NAMES = ("Ballerina.toml", "Dependencies.toml")

# Exit codes.
FOUND = 1
NOT_AUDITED = 2

IN_ONE_QUERY = 1_000  # Packages in one query.
# Pages of the answer to one query, because a registry could name a next page without end.
MOST_PAGES = 100
MOST_ADVISORIES = 10_000
LARGEST_QUERY_ANSWER_BYTES = 20_000_000
LARGEST_RECORD_BYTES = 5_000_000
LONGEST_SUMMARY = 200  # Characters.
LONGEST_ID = 200

MALWARE = "malware"
UNKNOWN = "unknown"
# The most serious one first.
SEVERITIES = (MALWARE, "critical", "high", "moderate", "low", UNKNOWN)
_LEVELS = {MALWARE: "error", "critical": "error", "high": "error", "low": "note"}
# The scores that GitHub uses for the severities of records without a score.
_SCORES = {MALWARE: 10.0, "critical": 9.5, "high": 8.0, "moderate": 5.5, "low": 2.0}

BALLERINA = "Ballerina"
MAVEN = "Maven"


@dataclass
class AuditOptions:
    """What was asked for; `argparse` sets what is given."""

    address: str
    files: Sequence[str] = ()
    output: str = "table"
    ignored: Sequence[str] = ()
    token: str = ""


@dataclass(frozen=True)
class Component:
    """A version of a package or of a Java library, and where a file names it."""

    ecosystem: str
    name: str
    version: str
    file: str
    line: int

    @property
    def key(self) -> tuple[str, str, str]:
        return self.ecosystem, self.name.lower(), self.version

    @property
    def query(self) -> dict[str, object]:
        """Return the question in the form of OSV."""
        if self.ecosystem == MAVEN:
            package = {"name": self.name, "ecosystem": MAVEN}
        else:
            # The ecosystem of a registry has its address in it, which a client may know by
            # another name.
            package = {"purl": f"pkg:ballerina/{quote(self.name)}"}
        return {"package": package, "version": self.version}

    def is_subject_of(self, affected: Fields) -> bool:
        """Check whether this part of an advisory is about the package."""
        package = _fields(affected.get("package"))
        ecosystem = str(package.get("ecosystem") or "").partition(":")[0]
        return ecosystem == self.ecosystem and (
            str(package.get("name") or "").lower() == self.name.lower()
        )


@dataclass(frozen=True)
class AdvisoryRecord:
    """What a registry says of a vulnerability, in texts that a terminal may show."""

    id: str
    aliases: tuple[str, ...]
    summary: str
    severity: str
    score: float | None
    affected: tuple[Fields, ...]
    is_withdrawn: bool

    @classmethod
    def parse(cls, fields: Fields) -> AdvisoryRecord:
        identity = in_one_line(fields.get("id"))
        aliases = tuple(sorted(in_one_line(each) for each in _texts(fields.get("aliases"))))
        score = _score(fields)
        said = _said_severity(fields)
        summary = in_one_line(fields.get("summary") or fields.get("details"))
        return cls(
            id=identity,
            aliases=aliases,
            summary=summary if len(summary) <= LONGEST_SUMMARY else f"{summary[:LONGEST_SUMMARY]}…",
            severity=MALWARE
            if _is_malware(fields)
            else said or (UNKNOWN if score is None else cvss_rating(score)),
            score=score,
            affected=tuple(objects_in(fields.get("affected"))),
            is_withdrawn=bool(fields.get("withdrawn")),
        )

    @property
    def names(self) -> frozenset[str]:
        """Return the id and its aliases, in one case."""
        return frozenset(each.lower() for each in (self.id, *self.aliases))


@dataclass(frozen=True)
class AuditFinding:
    """An advisory that affects a version that is used."""

    component: Component
    advisory: AdvisoryRecord

    @property
    def fixed(self) -> tuple[str, ...]:
        """Return the versions that fix it and are no older than the one that is used."""
        events = (
            event
            for affected in self.advisory.affected
            if self.component.is_subject_of(affected)
            for span in objects_in(affected.get("ranges"))
            if span.get("type") != "GIT"
            for event in objects_in(span.get("events"))
        )
        fixed = {in_one_line(event["fixed"]) for event in events if event.get("fixed")}
        used = _numbers(self.component.version)
        newer = (each for each in fixed if _numbers(each) >= used)
        return tuple(sorted(newer, key=lambda each: (_numbers(each), each)))

    @property
    def order(self) -> tuple[object, ...]:
        """Return the sort key of findings: the most severe first, then by what a reader sees."""
        severity = SEVERITIES.index(self.advisory.severity)
        score = -(self.advisory.score or 0.0)
        return (
            severity,
            score,
            *self.component.key,
            self.advisory.id,
            self.component.file,
            self.component.line,
        )


@dataclass(frozen=True)
class Audit:
    """What was asked, and what was found."""

    address: str
    components: Sequence[Component]
    findings: Sequence[AuditFinding]
    ignored: Sequence[tuple[AuditFinding, str]]  # Ignored findings, each with the reason.


def main(arguments: list[str], address: str) -> int:
    """Audit what a package uses; return the exit code."""
    print_all_characters()
    parser = argparse.ArgumentParser(
        prog="audit.py", description=f"Check what a package uses for advisories of {address}."
    )
    add = parser.add_argument
    add(
        "files",
        nargs="*",
        metavar="URL or FILE",
        help="the registry, and Dependencies.toml or Ballerina.toml (./Dependencies.toml)",
    )
    add("--format", dest="output", choices=FORMATS, default=FORMATS[0], help="(%(default)s)")
    add(
        "--ignore",
        action="append",
        default=[],
        dest="ignored",
        metavar="ID[=REASON]",
        help="an advisory to ignore, by its id or an alias; may be repeated",
    )
    add("--token", default="", help="access token, for what is private")
    options = parser.parse_args(arguments, AuditOptions(address, ignored=[]))
    first, *others = options.files or [""]
    if first.startswith(("http://", "https://")):
        options = replace(options, address=first, files=others)
    return run(options, os.environ, print_line)


def run(
    options: AuditOptions, environment: Mapping[str, str], print_line: Callable[[str], None]
) -> int:
    """Audit, and print what was found; return the exit code: 0, `FOUND` or `NOT_AUDITED`.

    Without every answer nothing is printed: half a list would look like a whole one, and would
    close alerts that GitHub shows.
    """
    client = None
    try:
        components = list(_read_components(options.files or ["Dependencies.toml"]))
        address = options.address.rstrip("/")
        token = token_for(address, environment, options.token)
        client = RegistryClient(address, token, "ballroom-audit")
        audit = _audit(client, components, _ignored(options.ignored))
    except (NotAsked, UnreadableFile) as reason:
        _note(str(reason))
        return NOT_AUDITED
    finally:
        if client is not None:
            client.close()
    if options.output == "json":
        print_line(json.dumps(as_json(audit), indent=2))
    elif options.output == "sarif":
        print_line(json.dumps(as_sarif_log(audit), indent=2))
    else:
        for line in as_table(audit):
            print_line(printable(line))
    return FOUND if audit.findings else 0


def _note(text: str) -> None:
    sys.stderr.write(f"{printable(text)}\n")


# --- What is asked ------------------------------------------------------------------------------


def _read_components(files: Sequence[str]) -> Iterator[Component]:
    """Yield what the files name, each place once."""
    seen = set[Component]()
    without_coordinates = 0
    for file in map(Path, files):
        versions = list(read_versions(file))
        if not versions and file.name not in FILE_NAMES:
            message = f"{file} names no versions. Name a Dependencies.toml or a Ballerina.toml."
            raise NotAsked(message)
        components = [
            Component(BALLERINA, f"{each.org}/{each.name}", each.version, each.file, each.line)
            for each in versions
        ]
        for library in read_libraries(file):
            name = f"{library.group}:{library.artifact}"
            if library.has_coordinates:
                components.append(
                    Component(MAVEN, name, library.version, library.file, library.line)
                )
            else:
                without_coordinates += 1
        yield from (each for each in components if each not in seen)
        seen.update(components)
    if without_coordinates:
        _note(
            f"Java libraries without groupId, artifactId and version, which were not asked for: "
            f"{without_coordinates}. Name them in Ballerina.toml."
        )


def _ignored(options: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return the ids that are ignored, each with how it was written and its reason."""
    found: dict[str, tuple[str, str]] = {}
    for each in options:
        identity, _, reason = each.partition("=")
        if not identity.strip():
            message = f"--ignore {each} names no advisory. Use --ignore ID=REASON."
            raise NotAsked(message)
        found[identity.strip().lower()] = (identity.strip(), in_one_line(reason))
    return found


def _audit(
    client: RegistryClient, components: Sequence[Component], ignored: Mapping[str, tuple[str, str]]
) -> Audit:
    asked = list({component.key: component for component in components}.values())
    ids: dict[tuple[str, str, str], set[str]] = {}
    for start in range(0, len(asked), IN_ONE_QUERY):
        batch = asked[start : start + IN_ONE_QUERY]
        ids.update(zip((each.key for each in batch), _ask(client, batch)))  # noqa: B905 - Python 3.9 has no `strict`; `_ask` answers for each.
    records = _read_records(client, sorted({each for found in ids.values() for each in found}))
    found = sorted(
        (
            AuditFinding(component, records[identity])
            for component in components
            for identity in ids[component.key]
            if not records[identity].is_withdrawn
        ),
        key=lambda each: each.order,
    )
    names = [(each, each.advisory.names & ignored.keys()) for each in found]
    unused = ignored.keys() - {name for _, hits in names for name in hits}
    for name in sorted(unused):
        _note(f"--ignore {ignored[name][0]} ignores nothing any more. Remove it.")
    return Audit(
        client.address,
        components,
        findings=[each for each, hits in names if not hits],
        ignored=[(each, ignored[min(hits)][1]) for each, hits in names if hits],
    )


def _ask(client: RegistryClient, components: Sequence[Component]) -> list[set[str]]:
    """Return the ids of the advisories that affect each component, in their order."""
    found: list[set[str]] = [set() for _ in components]
    waiting = [(number, component.query) for number, component in enumerate(components)]
    for _ in range(MOST_PAGES):
        if not waiting:
            return found
        sent = {"queries": [query for _, query in waiting]}
        content = client.read("v1/querybatch", LARGEST_QUERY_ANSWER_BYTES, query=sent)
        if content is None:
            message = f"{client.address} has no advisories to ask. Check the address."
            raise NotAsked(message)
        results = read_object(content).get("results")
        rows = cast("list[object]", results) if isinstance(results, list) else []
        if len(rows) != len(waiting):
            raise _unreadable(client)
        following: list[tuple[int, dict[str, object]]] = []
        for (number, query), row in zip(waiting, map(_fields, rows)):  # noqa: B905 - as long.
            for vulnerability in objects_in(row.get("vulns")):
                found[number].add(_identity(client, vulnerability))
            if token := row.get("next_page_token"):
                following.append((number, {**query, "page_token": token}))
        if sum(map(len, found)) > MOST_ADVISORIES:
            message = f"{client.address} named more than {MOST_ADVISORIES:,} advisories."
            raise NotAsked(message)
        waiting = following
    if not waiting:
        return found
    message = f"{client.address} did not end its answer after {MOST_PAGES} pages."
    raise NotAsked(message)


def _identity(client: RegistryClient, vulnerability: Fields) -> str:
    identity = vulnerability.get("id")
    if not isinstance(identity, str) or not 0 < len(identity) <= LONGEST_ID:
        raise _unreadable(client)
    return identity


def _unreadable(client: RegistryClient) -> NotAsked:
    return NotAsked(f"{client.address} gave an answer that cannot be read. Check the address.")


def _read_records(client: RegistryClient, ids: Sequence[str]) -> dict[str, AdvisoryRecord]:
    paths = (f"v1/vulns/{quote(each, safe='')}" for each in ids)
    found: dict[str, AdvisoryRecord] = {}
    for identity, content in zip(ids, client.read_all(paths, LARGEST_RECORD_BYTES)):  # noqa: B905 - as long.
        if content is None:
            message = f"{client.address} named {identity} and does not have it. Try again."
            raise NotAsked(message)
        fields = read_object(content)
        if fields.get("id") != identity:
            message = f"{client.address} answered another record than {identity}. Try again."
            raise NotAsked(message)
        found[identity] = AdvisoryRecord.parse(fields)
    return found


# --- What a record says -------------------------------------------------------------------------


def in_one_line(text: object) -> str:
    """Return a text of others as one line without control characters."""
    return printable(" ".join(str(text or "").split()))


def _fields(value: object) -> Fields:
    return cast("Fields", value) if isinstance(value, dict) else {}


def _texts(value: object) -> list[str]:
    rows = cast("list[object]", value) if isinstance(value, list) else []
    return [each for each in rows if isinstance(each, str)]


def _numbers(version: str) -> tuple[int, ...]:
    """Return the numbers that a version begins with, which are compared roughly: a fix is left out
    only if it is surely older."""
    core = re.match(r"v?([0-9]{1,9}(?:\.[0-9]{1,9})*)", version)
    numbers = [int(each) for each in core[1].split(".")] if core else []
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def _is_malware(fields: Fields) -> bool:
    names = [str(fields.get("id")), *_texts(fields.get("aliases"))]
    kind = _fields(fields.get("database_specific")).get("kind")
    return kind == MALWARE or any(each.startswith("MAL-") for each in names)


_WORDS = {"medium": "moderate", "none": "low"}


def _said_severity(fields: Fields) -> str:
    """Return the severity that a record says in a word; empty if it says none."""
    said = str(_fields(fields.get("database_specific")).get("severity") or "").lower()
    word = _WORDS.get(said, said)
    return word if word in SEVERITIES else ""


def _score(fields: Fields) -> float | None:
    """Return the highest base score of the vectors of CVSS; None without one."""
    rows = [*objects_in(fields.get("severity"))]
    for affected in objects_in(fields.get("affected")):
        rows += objects_in(affected.get("severity"))
    vectors = (str(row.get("score")) for row in rows)
    scores = [score for score in map(cvss_score, vectors) if score is not None]
    return max(scores, default=None)


# --- The answer ---------------------------------------------------------------------------------


def _url(audit: Audit, advisory: AdvisoryRecord) -> str:
    return f"{audit.address}/advisories/{quote(advisory.id, safe='')}"


def as_table(audit: Audit) -> Iterator[str]:
    """Yield the lines of a table, and how many were found."""
    if audit.findings:
        heads = ("PACKAGE", "VERSION", "ADVISORY", "SEVERITY", "FIXED IN")
        rows = [heads, *map(_row, audit.findings)]
        widths = [max(map(len, column)) for column in zip(*rows)]  # noqa: B905 - as long.
        for number, row in enumerate(rows):
            cells = (cell.ljust(width) for cell, width in zip(row, widths))  # noqa: B905 - as long.
            yield "  ".join(cells).rstrip()
            if number:
                advisory = audit.findings[number - 1].advisory
                yield f"    {advisory.summary or 'No summary.'}"
                yield f"    {_url(audit, advisory)}"
    for finding, reason in audit.ignored:
        why = f": {reason}" if reason else ""
        component = finding.component
        yield f"Ignored {finding.advisory.id} of {component.name}:{component.version}{why}"
    affected = len({each.component.key for each in audit.findings})
    asked = len({each.key for each in audit.components})
    yield f"Versions asked: {asked}, affected: {affected}. Advisories: {len(audit.findings)}."


def _row(finding: AuditFinding) -> tuple[str, ...]:
    component = finding.component
    advisory = finding.advisory
    fixed = ", ".join(finding.fixed) or "no version"
    return (
        in_one_line(component.name),
        in_one_line(component.version),
        advisory.id,
        advisory.severity,
        fixed,
    )


def as_json(audit: Audit) -> Fields:
    """Return what was found, for programs."""

    def row(finding: AuditFinding) -> dict[str, object]:
        component = finding.component
        advisory = finding.advisory
        return {
            "ecosystem": component.ecosystem,
            "name": component.name,
            "version": component.version,
            "file": component.file,
            "line": component.line,
            "id": advisory.id,
            "aliases": advisory.aliases,
            "summary": advisory.summary,
            "severity": advisory.severity,
            "score": advisory.score,
            "fixed": finding.fixed,
            "url": _url(audit, advisory),
        }

    return {
        "registry": audit.address,
        "asked": len({each.key for each in audit.components}),
        "findings": list(map(row, audit.findings)),
        "ignored": [{**row(finding), "reason": reason} for finding, reason in audit.ignored],
    }


def as_sarif_log(audit: Audit) -> Fields:
    """Return the findings in SARIF 2.1.0, each at the line of its table, with what GitHub needs."""
    advisories = {each.advisory.id: each.advisory for each in audit.findings}
    driver = {
        "name": "ballroom audit",
        "informationUri": audit.address,
        "rules": [_rule(audit, advisories[each]) for each in sorted(advisories)],
    }
    results = list(map(_result, audit.findings))
    return sarif_log(driver, results, columnKind="utf16CodeUnits")


def _rule(audit: Audit, advisory: AdvisoryRecord) -> Fields:
    url = _url(audit, advisory)
    said = advisory.summary or advisory.id
    known = f"{advisory.id}{''.join(f', {each}' for each in advisory.aliases)}"
    properties: dict[str, object] = {
        "tags": ["security", "vulnerability"],
        "precision": "very-high",
    }
    score = _SCORES.get(advisory.severity) if advisory.score is None else advisory.score
    if score is not None:
        properties["security-severity"] = f"{score:.1f}"
    return {
        "id": advisory.id,
        "name": advisory.id,
        "shortDescription": {"text": said},
        "fullDescription": {"text": f"{said} ({known})"},
        "help": {"text": f"{known}: {url}"},
        "helpUri": url,
        "defaultConfiguration": {"level": _LEVELS.get(advisory.severity, "warning")},
        "properties": properties,
    }


def _result(finding: AuditFinding) -> Fields:
    component = finding.component
    advisory = finding.advisory
    fixed = finding.fixed
    way_out = f"Fixed in {', '.join(fixed)}." if fixed else "No version fixes it."
    named = in_one_line(f"{component.name}:{component.version}")
    message = f"{named}: {advisory.summary or advisory.id} {way_out}"
    # The same finding stays the same alert if lines above it change.
    place = f"{component.ecosystem}\n{component.name}\n{advisory.id}"
    return {
        "ruleId": advisory.id,
        "level": _LEVELS.get(advisory.severity, "warning"),
        # A bracket before a parenthesis makes a link, and a stranger wrote the summary.
        "message": {"text": message.replace("](", "] (")},
        "locations": [sarif_location(component.file, component.line)],
        "partialFingerprints": {
            "primaryLocationLineHash": hashlib.sha256(place.encode()).hexdigest()
        },
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], ADDRESS))
