"""Every query of the alerts and the workbook binds, and names what the code and Azure write."""

import re
from collections.abc import Iterator, Mapping
from functools import cache

from functions.faces import operations
from shared.domain.tasks import TaskReport, TaskResult
from shared.domain.webhooks import AttemptResult
from shared.settings import Settings
from shared.telemetry.metrics import INSTRUMENTS
from shared.telemetry.traces import REQUEST_SPAN, STORE_SPAN, UPKEEP_SPAN
from tests.paths import docs
from tests.repo.azure_monitor import platform_rules, queries
from tests.support.kusto import Query, bound
from tests.support.tasks import TASKS

# The tables of a workspace that something here writes to, with their columns that queries may read:
# https://learn.microsoft.com/azure/azure-monitor/reference/tables.
TABLES = {
    # The Functions host.
    "AppRequests": "TimeGenerated:datetime, Name:string, DurationMs:real, ItemCount:int, "
    "ResultCode:string, Success:bool, OperationId:string, AppRoleName:string, Properties:dynamic",
    "AppTraces": "TimeGenerated:datetime, Message:string, SeverityLevel:int, OperationId:string, "
    "AppRoleName:string, Properties:dynamic",
    # The registry itself: shared/telemetry.
    "AppDependencies": "TimeGenerated:datetime, Id:string, Name:string, DependencyType:string, "
    "Target:string, ResultCode:string, DurationMs:real, ItemCount:int, Success:bool, "
    "OperationId:string, ParentId:string, AppRoleName:string, Properties:dynamic",
    "AppMetrics": "TimeGenerated:datetime, Name:string, Sum:real, Min:real, Max:real, "
    "ItemCount:int, AppRoleInstance:string, AppRoleName:string, Properties:dynamic",
    # The diagnostic settings of the apps and of Front Door.
    "AzureMetrics": "TimeGenerated:datetime, MetricName:string, Resource:string, "
    "ResourceProvider:string, Total:real, Average:real, Maximum:real, Minimum:real, Count:real",
    # The diagnostic settings of Cosmos DB.
    "CDBDataPlaneRequests": "TimeGenerated:datetime, CollectionName:string, OperationName:string, "
    "RequestCharge:real, StatusCode:int, DurationMs:real",
    "CDBPartitionKeyStatistics": "TimeGenerated:datetime, CollectionName:string, "
    "DatabaseName:string, PartitionKey:string, SizeKb:int",
    # The diagnostic settings of the storage accounts.
    "StorageBlobLogs": "TimeGenerated:datetime, OperationName:string, StatusCode:string, "
    "CallerIpAddress:string, RequesterObjectId:string, Uri:string",
    # The diagnostic settings of the vault.
    "AZKVAuditLogs": "TimeGenerated:datetime, OperationName:string, ResultSignature:string, "
    "HttpStatusCode:int, CallerIpAddress:string, Identity:dynamic, RequestUri:string",
    # The workspace.
    "Usage": "TimeGenerated:datetime, StartTime:datetime, EndTime:datetime, DataType:string, "
    "IsBillable:bool, Quantity:real",
    "_LogOperation": "TimeGenerated:datetime, Category:string, Operation:string, Level:string, "
    "Detail:string",
}

# Metrics that Azure counts, with their dimensions:
# https://learn.microsoft.com/azure/azure-monitor/reference/supported-metrics/metrics-index.
AZURE_METRICS = {
    "Http5xx": {"Instance"},
    "InstanceCount": set[str](),
    "Percentage5XX": {"Endpoint", "ClientRegion", "ClientCountry"},
    "RequestCount": {"HttpStatus", "HttpStatusGroup", "ClientRegion", "ClientCountry", "Endpoint"},
    "NormalizedRUConsumption": {"CollectionName", "DatabaseName", "Region", "PartitionKeyRangeId"},
}

LINE = "Message"  # The path of a line of the log: its JSON is the message.
IN_EVERY_LINE = {"event", "level", "timestamp", "trace_id", "span_id", "exception"}
LEVELS = {"debug", "info", "warning", "error"}
RESULTS = {
    "ballroom.upkeep.duration": {each.value for each in TaskResult} | {"elsewhere", "read-only"},
    "ballroom.webhook.attempts": {each.value for each in AttemptResult},
}
TASK_IDS = {task.id for task in TASKS if task.schedule}


@cache
def all_bound() -> Mapping[str, Query]:
    """Bind every query of this file at once: each start of the parser takes a second."""
    return bound({**queries(), **UNBOUND, **UNWRITTEN}, TABLES)


def every_query() -> Mapping[str, Query]:
    return {name: all_bound()[name] for name in queries()}


def events() -> Mapping[str, set[str]]:
    """Return the fields of every event, which a test compares with the code."""
    page = docs("run/telemetry").partition("## The log")[2]
    rows = re.findall(r"^\| `([\w.]+)` \| \w+ \| (.*?) \|", page, re.MULTILINE)
    request = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", page.partition("**Sampling.**")[0], re.M)
    fields = {name: set(re.findall(r"`(\w+)`", listed)) for name, listed in rows}
    return fields | {"request": set(re.findall(r"`(\w+)`", " ".join(request)))}


def operation_names() -> set[str]:
    return {each.name for each in operations(Settings())} | {"timer_upkeep"}


def below(query: Query, path: str) -> set[str]:
    """Return the fields of a value that a query reads."""
    return {each.split(".")[1] for each in query.paths if each.startswith(f"{path}.")}


def unknown(query: Query) -> set[str]:
    """Return what a query names and nobody writes."""
    found = query.values("Properties.task", f"{LINE}.task", "task") - TASK_IDS
    found |= query.values(f"{LINE}.operation", "Properties.operation") - operation_names()
    found |= query.values("MetricName") - {*AZURE_METRICS}
    if "AppMetrics" in query.tables:
        found |= unknown_of_metrics(query)
    if "AppDependencies" in query.tables:
        found |= below(query, "Properties") - {*REQUEST_SPAN, *UPKEEP_SPAN, *STORE_SPAN}
        found |= query.values("DependencyType") - {"InProc"}
    if "AppTraces" in query.tables:
        found |= unknown_of_lines(query)
    if query.tables == ["AppRequests"]:
        prefixes = query.values("Name")
        found |= {each for each in prefixes if not any(starting_with(each))}
    return found


def starting_with(prefix: str) -> Iterator[str]:
    return (name for name in operation_names() if name.startswith(prefix))


def unknown_of_metrics(query: Query) -> set[str]:
    recorded = {each.name: {*each.attributes} for each in INSTRUMENTS}
    metrics = query.values("Name")
    if not metrics or not metrics <= {*recorded}:
        return metrics - {*recorded} or {"a metric without a name"}
    results = set[str]().union(*(RESULTS.get(each, set()) for each in metrics))
    dimensions = set.intersection(*(recorded[each] for each in metrics))
    return (below(query, "Properties") - dimensions) | (query.values("Properties.result") - results)


def unknown_of_lines(query: Query) -> set[str]:
    logged = events()
    anywhere = set[str]().union(*logged.values())
    named = query.values(f"{LINE}.event")
    # Where a query asks for a level, it reads lines of every event.
    is_of_named = named and not query.values(f"{LINE}.level")
    fields = set[str]().union(*(logged.get(each, set()) for each in named))
    # Words of a line are looked for before it is parsed.
    words = {*logged} | anywhere | IN_EVERY_LINE | LEVELS
    return (
        (named - {*logged})
        | (query.values(LINE) - words)
        | (query.values(f"{LINE}.level") - LEVELS)
        | (below(query, LINE) - (fields if is_of_named else anywhere) - IN_EVERY_LINE)
    )


def test_every_query_binds_to_the_columns_of_its_tables() -> None:
    assert {name: query.problems for name, query in every_query().items() if query.problems} == {}


def test_every_query_names_what_is_written() -> None:
    assert {name: unknown(query) for name, query in every_query().items() if unknown(query)} == {}


def test_every_table_is_read() -> None:
    assert {table for query in every_query().values() for table in query.tables} == {*TABLES}


def test_rules_over_metrics_of_azure_name_one_with_its_dimensions() -> None:
    rules = platform_rules()
    assert rules
    for rule in rules:
        split = {each["name"] for each in rule.get("dimensions", [])}
        assert split <= AZURE_METRICS[rule["metric"]], rule["name"]


# What the parser has to see, and what the comparison with the code has to see.
UNBOUND = {
    "a table that nobody writes": "AppExceptions | take 1",
    "a column that the table lacks": "AppMetrics | summarize sum(Value) by Name",
    "a word of the language as a name": "AppMetrics | summarize last = max(TimeGenerated) by Name",
    "a text compared with a number": "AppMetrics | where Sum > tostring(Properties.task)",
    "a function that is not there": "AppTraces | extend line = parse_jsn(Message)",
    "an operator that is not there": "AppMetrics | summarise count()",
}
METRIC = 'AppMetrics | where Name == "{}" | where tostring(Properties.{}) == "{}"'
LINES = 'AppTraces | extend line = parse_json(Message) | where tostring(line.{}) == "{}"'
UNWRITTEN = {
    "ballroom.upkeep.time": METRIC.format("ballroom.upkeep.time", "task", "create-snapshot"),
    "job": METRIC.format("ballroom.upkeep.duration", "job", "x"),
    "make-snapshot": METRIC.format("ballroom.upkeep.duration", "task", "make-snapshot"),
    "broken": METRIC.format("ballroom.upkeep.duration", "result", "broken"),
    "upkeep.ended": LINES.format("event", "upkeep.ended"),
    "fatal": LINES.format("level", "fatal"),
    "outcomes": LINES.format("outcomes", "Busy"),
    "central_fetch": LINES.format("operation", "central_fetch"),
    "request": "AppDependencies | extend of = tostring(Properties.request)",
    "Http500": 'AzureMetrics | where MetricName == "Http500"',
}


def test_a_query_that_does_not_bind_is_seen() -> None:
    assert [fault for fault in UNBOUND if all_bound()[fault].problems] == [*UNBOUND]


def test_a_name_that_nobody_writes_is_seen() -> None:
    assert {name: unknown(all_bound()[name]) for name in UNWRITTEN} == {
        name: {name} for name in UNWRITTEN
    }


def test_reports_of_tasks_have_the_fields_that_are_read() -> None:
    assert events()["upkeep.done"] == {"task", "seconds", *TaskReport().as_event()}
