"""Alerts and the workbook ask for what the registry really says, and every alert is explained."""

import json
import re
from collections.abc import Iterator
from typing import Any

from shared.domain.status import TaskReport
from shared.services.maintenance.package_tasks import AuditArchives
from shared.services.maintenance.snapshots import CreateSnapshot
from shared.telemetry.metrics import INSTRUMENTS
from tests.paths import ROOT, docs
from tests.repo.bicep_templates import INFRA, module
from tests.support.tasks import TASKS

PAGE = docs("monitoring")
WORKBOOK = json.loads((INFRA / "workbook.json").read_text())

# The tables of a workspace that something here writes to, and what does.
TABLES = {
    "AppRequests": "the Functions host",
    "AppTraces": "the Functions host",
    "AppMetrics": "the registry itself (shared/telemetry)",
    "CDBDataPlaneRequests": "the diagnostic settings of Cosmos DB",
    "StorageBlobLogs": "the diagnostic settings of the storage accounts",
    "AzureDiagnostics": "the diagnostic settings of the vault",
}


def alerts() -> list[Any]:
    """Return what is asked of the logs, and what is asked from outside."""
    return [*module("alerts").value("rules"), *module("alerts").value("probes")]


def asked() -> Iterator[tuple[str, str]]:
    """Yield every query with its name."""
    yield from ((each["name"], each["query"]) for each in module("alerts").value("rules"))
    for item in WORKBOOK["items"]:
        if "query" in item["content"]:
            yield item["name"], item["content"]["query"]


def functions() -> set[str]:
    """Return the name of every Function that the docs list."""
    routes = (ROOT / "docs" / "reference" / "routes.md").read_text("utf-8")
    listed = set(re.findall(r"^\| `(\w+)` \|", routes, re.MULTILINE))
    return listed | {"timer_upkeep"}


def section(title: str) -> str:
    """Return what stands below a title of the page."""
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_every_query_asks_a_table_that_is_written_to() -> None:
    assert {query.strip().splitlines()[0].strip() for _, query in asked()} == set(TABLES)


def test_every_function_that_a_query_names_is_there() -> None:
    for name, query in asked():
        named = re.findall(r'Name (?:==|in|!in) \(?((?:"\w+"(?:, )?)+)', query)
        for function in re.findall(r'"(\w+)"', " ".join(named)):
            assert function in functions(), name


def test_every_field_of_a_report_that_a_query_reads_is_there() -> None:
    fields = {"event", "task", *TaskReport().as_event()}
    read = {field for _, query in asked() for field in re.findall(r"report\.(\w+)", query)}
    assert read
    assert read <= fields


def test_every_task_that_a_query_names_is_there() -> None:
    for name, query in asked():
        named = re.findall(r'\.task\) (?:==|in) \(?((?:"[a-z-]+"(?:, )?)+)', query)
        tasks = set(re.findall(r'"([a-z-]+)"', " ".join(named)))
        ids = {task.id for task in TASKS if task.schedule}
        assert tasks <= ids, name


def test_the_audit_and_the_snapshot_are_asked_for() -> None:
    rules = {each["name"]: each["query"] for each in module("alerts").value("rules")}
    assert f'"{AuditArchives.id}"' in rules["integrity-drift"]
    assert f'"{CreateSnapshot.id}"' in rules["nightly-missed"]


def test_every_metric_of_a_query_is_recorded_with_the_dimensions_of_the_query() -> None:
    reported = {each.name: each.attributes for each in INSTRUMENTS}
    for name, query in asked():
        if not query.strip().startswith("AppMetrics"):
            continue
        metrics = re.findall(r'Name == "([^"]+)"', query)
        assert len(metrics) == 1, name
        assert set(re.findall(r"Properties\.(\w+)", query)) <= set(reported[metrics[0]]), name


def test_every_alert_is_explained_with_a_remedy() -> None:
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| (.+) \| (.+) \|$", section("Alerts"), re.MULTILINE)
    explained = [name for name, meaning, remedy in rows if meaning.strip() and remedy.strip()]
    assert sorted(explained) == sorted(each["name"] for each in alerts())


def test_no_query_counts_rows_of_requests_of_which_the_host_keeps_a_share() -> None:
    sampled = [query for _, query in asked() if query.strip().startswith("AppRequests")]
    assert sampled
    assert [query for query in sampled if "count()" in query or "percentile(" in query] == []
    assert not any("AppRequests" in rule["query"] for rule in module("alerts").value("rules"))


def test_every_field_of_a_line_that_a_query_reads_is_there() -> None:
    page = (ROOT / "docs" / "run" / "telemetry.md").read_text("utf-8")
    read = {field for _, query in asked() for field in re.findall(r"\bline\.(\w+)", query)}
    assert read
    assert read <= {"event", *re.findall(r"`(\w+)`", page.partition("## The log")[2])}
