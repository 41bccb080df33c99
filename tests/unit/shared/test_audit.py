"""`audit.py`: what it asks, what it says of the answers, and a registry that lies."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from click.testing import CliRunner

from shared import audit, script_client
from shared.audit import AuditOptions, main, run
from shared.cli import cli
from tests.support.served_handlers import QuietHandler, served_handler

BALLERINA = """\
[package]
org = "acme"
name = "app"
version = "0.1.0"
"""
LIBRARIES = """
[[platform.java21.dependency]]
groupId = "org.example"
artifactId = "parser"
version = "2.14.1"

[[platform.java21.dependency]]
path = "./libs/own.jar"
"""
LOCKED = """\
[[package]]
org = "acme"
name = "app"
version = "0.1.0"

[[package]]
org = "acme"
name = "greet"
version = "1.2.0"

[[package]]
org = "ballerina"
name = "lang.int"
version = "0.0.0"
"""
GREET = ("pkg:ballerina/acme/greet", "1.2.0")
PARSER = ("org.example:parser", "2.14.1")
CRITICAL = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H"
MEDIUM = "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N"


def record(identity: str, package: str = "acme/greet", **fields: object) -> dict[str, Any]:
    """Return a record of OSV about a package, or a library of Maven, that 1.2.1 fixes."""
    ecosystem = "Maven" if ":" in package else "Ballerina:ballroom.example.org"
    return {
        "id": identity,
        "modified": "2026-11-01T00:00:00Z",
        "summary": "It reads files outside of its folder.",
        "affected": [
            {
                "package": {"name": package, "ecosystem": ecosystem},
                "ranges": [
                    {
                        "type": "SEMVER",
                        "events": [{"introduced": "0"}, {"fixed": "1.2.1"}],
                    }
                ],
            }
        ],
        **fields,
    }


@dataclass
class Registry:
    """A registry that answers in OSV's form; a test changes it to lie."""

    matches: dict[tuple[str, str], list[str]] = field(
        default_factory=dict[tuple[str, str], list[str]]
    )
    records: dict[str, object] = field(default_factory=dict[str, object])
    page: int = 1_000
    batch: Callable[[list[Any]], object] | None = None
    status: int = 200
    asked: list[Any] = field(default_factory=list[Any])
    headers: list[dict[str, str]] = field(default_factory=list[dict[str, str]])

    def have(self, part: tuple[str, str], *records: dict[str, Any]) -> None:
        """Have advisories that affect a version."""
        self.matches.setdefault(part, []).extend(each["id"] for each in records)
        self.records |= {each["id"]: each for each in records}

    def answer(self, queries: list[Any]) -> object:
        """Return what matches some queries, a page of each."""
        self.asked += queries
        if self.batch:
            return self.batch(queries)
        results: list[object] = []
        for query in queries:
            package = query["package"]
            ids = self.matches.get((package.get("purl") or package["name"], query["version"]), [])
            start = int(query.get("page_token", 0))
            end = start + self.page
            row: dict[str, object] = {}
            if ids[start:end]:
                row["vulns"] = [{"id": each, "modified": "x"} for each in ids[start:end]]
            if ids[end:]:
                row["next_page_token"] = str(end)
            results.append(row)
        return {"results": results}


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def url(registry: Registry) -> Iterator[str]:
    class Handler(QuietHandler):
        def do_GET(self) -> None:
            self._send(registry.records.get(unquote(self.path.removeprefix("/v1/vulns/"))))

        def do_POST(self) -> None:
            body = json.loads(self.read_body())
            self._send(registry.answer(body["queries"]) if registry.status == 200 else None)

        def _send(self, content: object) -> None:
            registry.headers.append(dict(self.headers.items()))
            self.answer(404 if content is None else 200, json.dumps(content).encode())

    with served_handler(Handler) as address:
        yield address


@dataclass
class Auditor:
    """Somebody with the program and a package."""

    folder: Path
    url: str
    capsys: pytest.CaptureFixture[str]
    environment: dict[str, str] = field(default_factory=dict[str, str])

    def run(self, *files: str, **options: object) -> tuple[int, str]:
        """Return the exit code and what was printed."""
        printed: list[str] = []
        places = [str(self.folder / each) for each in files or ("Dependencies.toml",)]
        asked = AuditOptions(self.url, places, **options)  # type: ignore[arg-type]
        code = run(asked, self.environment, printed.append)
        return code, "\n".join((*printed, self.capsys.readouterr().err))

    def found(self, **options: object) -> list[Any]:
        """Return the findings as JSON has them."""
        _, printed = self.run(output="json", **options)
        return json.JSONDecoder().raw_decode(printed)[0]["findings"]


@pytest.fixture
def auditor(tmp_path: Path, url: str, capsys: pytest.CaptureFixture[str]) -> Auditor:
    (tmp_path / "Ballerina.toml").write_text(BALLERINA)
    (tmp_path / "Dependencies.toml").write_text(LOCKED)
    return Auditor(tmp_path, url, capsys, {"BALLERINA_HOME_DIR": str(tmp_path / "home")})


# --- What is asked and found -----------------------------------------------------------------


def test_nothing_is_found_where_no_advisory_matches(auditor: Auditor, registry: Registry) -> None:
    assert auditor.run() == (0, "Versions asked: 1, affected: 0. Advisories: 0.\n")
    assert registry.asked == [{"package": {"purl": GREET[0]}, "version": "1.2.0"}]


def test_a_table_names_the_advisory_and_the_version_that_fixes_it(
    auditor: Auditor, registry: Registry
) -> None:
    registry.have(
        GREET,
        record("x_BLR-2026-0001", severity=[{"type": "CVSS_V3", "score": MEDIUM}]),
        record("x_BLR-2026-0002", database_specific={"severity": "HIGH"}),
    )
    code, printed = auditor.run()
    assert code == 1
    assert printed == (
        "PACKAGE     VERSION  ADVISORY         SEVERITY  FIXED IN\n"
        "acme/greet  1.2.0    x_BLR-2026-0002  high      1.2.1\n"
        "    It reads files outside of its folder.\n"
        f"    {auditor.url}/advisories/x_BLR-2026-0002\n"
        "acme/greet  1.2.0    x_BLR-2026-0001  moderate  1.2.1\n"
        "    It reads files outside of its folder.\n"
        f"    {auditor.url}/advisories/x_BLR-2026-0001\n"
        "Versions asked: 1, affected: 1. Advisories: 2.\n"
    )


def test_java_libraries_of_the_package_are_asked_by_their_coordinates(
    auditor: Auditor, registry: Registry
) -> None:
    (auditor.folder / "Ballerina.toml").write_text(BALLERINA + LIBRARIES)
    registry.have(PARSER, record("GHSA-jfh8", "org.example:parser"))
    code, printed = auditor.run()
    assert code == 1
    assert "org.example:parser  2.14.1   GHSA-jfh8  unknown   no version" in printed
    assert "which were not asked for: 1. Name them in Ballerina.toml." in printed
    assert registry.asked == [
        {"package": {"purl": GREET[0]}, "version": "1.2.0"},
        {"package": {"name": "org.example:parser", "ecosystem": "Maven"}, "version": "2.14.1"},
    ]
    [found] = auditor.found()
    assert (Path(found["file"]).name, found["line"]) == ("Ballerina.toml", 6)


def test_a_version_of_two_files_is_asked_once_and_found_in_both(
    auditor: Auditor, registry: Registry
) -> None:
    (auditor.folder / "b").mkdir()
    (auditor.folder / "b" / "Ballerina.toml").write_text(BALLERINA)
    (auditor.folder / "b" / "Dependencies.toml").write_text(LOCKED)
    registry.have(GREET, record("x_BLR-2026-0001"))
    files = ("Dependencies.toml", "b/Dependencies.toml", "Dependencies.toml")
    code, printed = auditor.run(*files, output="json")
    answer = json.loads(printed)
    assert (code, answer["asked"], len(registry.asked)) == (1, 1, 1)
    assert [each["file"] for each in answer["findings"]] == [
        str(auditor.folder / "Dependencies.toml"),
        str(auditor.folder / "b" / "Dependencies.toml"),
    ]


def test_all_pages_are_read_and_the_order_is_always_the_same(
    auditor: Auditor, registry: Registry
) -> None:
    ids = [f"x_BLR-2026-{n:04}" for n in range(7)]
    registry.have(GREET, *map(record, reversed(ids)))
    registry.page = 2
    assert [each["id"] for each in auditor.found()] == ids


def test_a_thousand_versions_are_one_question(auditor: Auditor, registry: Registry) -> None:
    tables = (
        f'[[package]]\norg = "acme"\nname = "p{n}"\nversion = "1.0.0"\n' for n in range(2_500)
    )
    (auditor.folder / "Dependencies.toml").write_text("\n".join(tables))
    registry.have(("pkg:ballerina/acme/p2400", "1.0.0"), record("x_BLR-1", "acme/p2400"))
    assert [each["name"] for each in auditor.found()] == ["acme/p2400"]
    assert (len(registry.headers), len(registry.asked)) == (4, 2_500)


def test_what_is_withdrawn_is_no_finding(auditor: Auditor, registry: Registry) -> None:
    registry.have(GREET, record("x_BLR-2026-0001", withdrawn="2026-11-02T00:00:00Z"))
    assert auditor.run()[0] == 0


def test_what_is_ignored_is_named_with_its_reason(auditor: Auditor, registry: Registry) -> None:
    registry.have(
        GREET, record("x_BLR-2026-0001", aliases=["CVE-2026-1"]), record("x_BLR-2026-0002")
    )
    code, printed = auditor.run(ignored=["cve-2026-1=not reachable", "X_BLR-2026-0002"])
    assert code == 0
    assert "Ignored x_BLR-2026-0001 of acme/greet:1.2.0: not reachable\n" in printed
    assert "Ignored x_BLR-2026-0002 of acme/greet:1.2.0\n" in printed
    answer = json.loads(auditor.run(output="json", ignored=["CVE-2026-1=no"])[1])
    assert [each["id"] for each in answer["findings"]] == ["x_BLR-2026-0002"]
    assert [each["reason"] for each in answer["ignored"]] == ["no"]


def test_an_ignored_advisory_that_affects_nothing_is_said(auditor: Auditor) -> None:
    code, printed = auditor.run(ignored=["CVE-2020-1"])
    assert code == 0
    assert "--ignore CVE-2020-1 ignores nothing any more. Remove it." in printed
    assert auditor.run(ignored=["=why"])[0] == 2


CVSS_4 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"


@pytest.mark.parametrize(
    ("version", "events", "fixed"),
    [
        ("1.2.0", [{"introduced": "0"}, {"fixed": "1.2.1"}], ["1.2.1"]),
        ("1.2.0", [{"fixed": "1.10.0"}, {"fixed": "1.9.0"}], ["1.9.0", "1.10.0"]),
        ("1.2.0", [{"fixed": "1.1.9"}, {"fixed": "1.2.1"}], ["1.2.1"]),
        ("1.2.0", [{"introduced": "0"}, {"last_affected": "1.2.0"}], []),
        ("1.2.0-rc.1", [{"fixed": "1.2.0"}], ["1.2.0"]),
        ("1.2", [{"fixed": "1.2.0"}], ["1.2.0"]),
    ],
)
def test_fixed_versions_are_those_that_are_not_older(
    auditor: Auditor, registry: Registry, version: str, events: list[object], fixed: list[str]
) -> None:
    (auditor.folder / "Dependencies.toml").write_text(LOCKED.replace("1.2.0", version))
    told = record("x_BLR-2026-0001")
    told["affected"][0]["ranges"] = [
        {"type": "SEMVER", "events": events},
        {"type": "GIT", "events": [{"fixed": "f" * 40}]},
    ]
    told["affected"].append({**record("x", "acme/other")["affected"][0]})
    registry.have((GREET[0], version), told)
    [found] = auditor.found()
    assert found["fixed"] == fixed


@pytest.mark.parametrize(
    ("fields", "severity", "score"),
    [
        ({"severity": [{"type": "CVSS_V3", "score": CRITICAL}]}, "critical", 10.0),
        ({"severity": [{"type": "CVSS_V3", "score": MEDIUM}]}, "moderate", 6.1),
        ({"severity": [{"type": "CVSS_V4", "score": "CVSS:4.0/AV:N"}]}, "unknown", None),
        ({"severity": [{"type": "CVSS_V4", "score": CVSS_4}]}, "critical", 9.3),
        ({"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:X"}]}, "unknown", None),
        ({"severity": "high"}, "unknown", None),
        ({"database_specific": {"severity": "Medium"}}, "moderate", None),
        ({"database_specific": {"severity": "much"}}, "unknown", None),
        ({"database_specific": "high"}, "unknown", None),
    ],
)
def test_severity_is_the_word_of_the_record_or_follows_from_its_score(
    auditor: Auditor, registry: Registry, fields: dict[str, Any], severity: str, score: object
) -> None:
    registry.have(GREET, record("x_BLR-2026-0001", **fields))
    [found] = auditor.found()
    assert (found["severity"], found["score"]) == (severity, score)


def test_malware_is_graver_than_all_else(auditor: Auditor, registry: Registry) -> None:
    registry.have(
        GREET,
        record("x_BLR-2026-0001", severity=[{"type": "CVSS_V3", "score": CRITICAL}]),
        record("MAL-2026-1"),
        record("x_BLR-2026-0002", database_specific={"kind": "malware", "severity": "LOW"}),
    )
    found = [each["severity"] for each in auditor.found()]
    assert found == ["malware", "malware", "critical"]


# --- SARIF -----------------------------------------------------------------------------------


def test_sarif_has_what_github_requires(
    auditor: Auditor, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(auditor.folder)
    Path("an app").mkdir()
    Path("an app/Dependencies.toml").write_text(LOCKED)
    registry.have(
        GREET,
        record(
            "x_BLR-2026-0001",
            aliases=["CVE-2026-1"],
            severity=[{"type": "CVSS_V3", "score": CRITICAL}],
        ),
        record("x_BLR-2026-0002", summary=""),
    )
    printed: list[str] = []
    options = AuditOptions(auditor.url, ["an app/Dependencies.toml"], "sarif")
    assert run(options, auditor.environment, printed.append) == 1
    log = json.loads("".join(printed))
    assert (log["version"], log["$schema"]) == (
        "2.1.0",
        "https://json.schemastore.org/sarif-2.1.0.json",
    )
    [one] = log["runs"]
    driver = one["tool"]["driver"]
    assert driver["name"] == "ballroom audit"
    for rule in driver["rules"]:
        texts = ("shortDescription", "fullDescription", "help")
        assert all(rule[each]["text"] for each in texts)
        assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note")
        assert "security" in rule["properties"]["tags"]
    first, second = driver["rules"]
    assert first["properties"]["security-severity"] == "10.0"
    assert "CVE-2026-1" in first["fullDescription"]["text"]
    assert "security-severity" not in second["properties"]
    assert [(each["ruleId"], each["level"]) for each in one["results"]] == [
        ("x_BLR-2026-0001", "error"),
        ("x_BLR-2026-0002", "warning"),
    ]
    result = one["results"][0]
    assert result["message"]["text"] == (
        "acme/greet:1.2.0: It reads files outside of its folder. Fixed in 1.2.1."
    )
    assert result["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "an%20app/Dependencies.toml"},
                "region": {"startLine": 6},
            }
        }
    ]
    fingerprints = {
        each["partialFingerprints"]["primaryLocationLineHash"] for each in one["results"]
    }
    assert len(fingerprints) == 2


def test_sarif_makes_no_link_of_what_a_stranger_wrote(auditor: Auditor, registry: Registry) -> None:
    said = "Get [the fix](https://evil.example.org)"
    registry.have(GREET, record("x_BLR-2026-0001", summary=said))
    [result] = json.loads(auditor.run(output="sarif")[1])["runs"][0]["results"]
    assert "Get [the fix] (https://evil.example.org)" in result["message"]["text"]


def test_sarif_without_findings_is_whole(auditor: Auditor) -> None:
    log = json.loads(auditor.run(output="sarif")[1])
    assert log["runs"][0]["results"] == []
    assert log["runs"][0]["tool"]["driver"]["rules"] == []


def test_sarif_leaves_out_what_is_ignored(auditor: Auditor, registry: Registry) -> None:
    registry.have(GREET, record("x_BLR-2026-0001"))
    code, printed = auditor.run(output="sarif", ignored=["x_BLR-2026-0001=no"])
    assert (code, json.loads(printed)["runs"][0]["results"]) == (0, [])


# --- What cannot be asked --------------------------------------------------------------------


def test_nothing_is_printed_where_a_record_cannot_be_read(
    auditor: Auditor, registry: Registry
) -> None:
    registry.have(GREET, record("x_BLR-2026-0001"), record("x_BLR-2026-0002"))
    del registry.records["x_BLR-2026-0002"]
    for output in audit.FORMATS:
        assert auditor.run(output=output) == (
            2,
            f"{auditor.url} named x_BLR-2026-0002 and does not have it. Try again.\n",
        )


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"results": {}},
        {"results": []},
        {"results": [{}, {}]},
        {"results": [{"vulns": [{"id": 7}]}]},
        {"results": [{"vulns": [{}]}]},
        {"results": [{"vulns": [{"id": "x" * 201}]}]},
        [],
    ],
)
def test_an_answer_of_another_form_is_no_empty_one(
    auditor: Auditor, registry: Registry, answer: object
) -> None:
    registry.batch = lambda _: answer
    code, printed = auditor.run()
    assert code == 2
    assert "gave an answer that cannot be read" in printed


def test_a_registry_that_always_has_one_more_page_is_given_up(
    auditor: Auditor, registry: Registry
) -> None:
    registry.batch = lambda queries: {"results": [{"next_page_token": "1"} for _ in queries]}
    code, printed = auditor.run()
    assert code == 2
    assert "did not end its answer after 100 pages" in printed


def test_a_registry_that_names_too_many_advisories_is_given_up(
    auditor: Auditor, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "MOST_ADVISORIES", 3)
    registry.have(GREET, *(record(f"x_BLR-2026-{n}") for n in range(4)))
    code, printed = auditor.run()
    assert code == 2
    assert "named more than 3 advisories" in printed


def test_a_record_that_is_another_one_is_not_believed(auditor: Auditor, registry: Registry) -> None:
    registry.have(GREET, record("x_BLR-2026-0001"))
    registry.records["x_BLR-2026-0001"] = record("x_BLR-2026-0002")
    code, printed = auditor.run()
    assert code == 2
    assert "answered another record than x_BLR-2026-0001" in printed


def test_a_registry_without_advisories_is_said(auditor: Auditor, registry: Registry) -> None:
    registry.status = 404
    assert auditor.run() == (2, f"{auditor.url} has no advisories to ask. Check the address.\n")


@pytest.mark.parametrize(
    ("address", "token", "said"),
    [
        ("ftp://registry.test", "", "is not a valid URL"),
        ("http://registry.test", "blr", "Others could read the token"),
        ("http://127.0.0.1:9", "", "cannot be reached"),
        ("https://registry.test", "blr\nt", "The token is no access token"),
    ],
)
def test_nothing_is_sent_to_a_bad_address(
    auditor: Auditor, monkeypatch: pytest.MonkeyPatch, address: str, token: str, said: str
) -> None:
    monkeypatch.setattr(script_client, "FIRST_PAUSE_S", 0)
    auditor.url = address
    code, printed = auditor.run(token=token)
    assert code == 2
    assert said in printed


def test_a_file_that_names_no_versions_is_no_clean_one(auditor: Auditor) -> None:
    (auditor.folder / "docs").mkdir()
    (auditor.folder / "docs" / "readme.md").write_text("# App\n")
    code, printed = auditor.run("docs/readme.md")
    assert code == 2
    assert "names no versions. Name a Dependencies.toml or a Ballerina.toml." in printed
    assert auditor.run("nothing.toml")[0] == 2
    (auditor.folder / "Dependencies.toml").write_text("")
    assert auditor.run()[0] == 0


def test_nothing_that_a_registry_says_moves_a_terminal(
    auditor: Auditor, registry: Registry
) -> None:
    evil = "a\x1b[2J\rb\u202ec\nd\x00"
    told = record(
        f"x_BLR{evil}",
        aliases=[evil],
        summary=evil,
        database_specific={"severity": evil},
    )
    told["affected"][0]["ranges"][0]["events"][1]["fixed"] = f"1.2.1{evil}"
    registry.have(GREET, told)
    for output in audit.FORMATS:
        code, printed = auditor.run(output=output)
        assert code == 1
        assert printed.replace("\n", "").isprintable()
        assert "a[2J bc d" in printed


def test_a_long_summary_is_cut(auditor: Auditor, registry: Registry) -> None:
    registry.have(GREET, record("x_BLR-2026-0001", summary="", details="word " * 1_000))
    [found] = auditor.found()
    assert len(found["summary"]) == 201
    assert found["summary"].endswith("…")


def test_the_token_of_the_variable_or_of_the_login_is_sent(
    auditor: Auditor, registry: Registry
) -> None:
    auditor.run()
    assert "Authorization" not in registry.headers[-1]
    auditor.environment["BALLROOM_TOKEN"] = "blr_variable"
    auditor.run()
    assert registry.headers[-1]["Authorization"] == "Bearer blr_variable"
    del auditor.environment["BALLROOM_TOKEN"]
    (auditor.folder / "home").mkdir()
    (auditor.folder / "home" / "Settings.toml").write_text(
        f'[[repository.maven]]\nurl = "{auditor.url}/maven"\naccesstoken = "blr_login"\n'
    )
    auditor.run()
    assert registry.headers[-1]["Authorization"] == "Bearer blr_login"
    assert registry.headers[-1]["User-Agent"] == "ballroom-audit"


# --- How it is called ------------------------------------------------------------------------


def test_the_file_and_the_command_say_the_same(
    auditor: Auditor, registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    registry.have(GREET, record("x_BLR-2026-0001"))
    file = str(auditor.folder / "Dependencies.toml")
    assert main([auditor.url, file, "--format", "json"], "https://registry.test") == 1
    by_file = capsys.readouterr().out
    done = CliRunner().invoke(
        cli, ["audit", file, "--registry", auditor.url, "--format", "json"], env=auditor.environment
    )
    assert (done.exit_code, done.stdout) == (1, by_file)


def test_the_file_asks_its_own_registry_without_an_address(
    auditor: Auditor, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(auditor.folder)
    assert main([], auditor.url) == 0
    assert "Versions asked: 1" in capsys.readouterr().out
