"""Alerts watch what can go wrong, and each is explained with its chart."""

import re

from croniter import croniter

from shared.services.maintenance.apply_mirror_rules import ApplyMirrorRules
from shared.services.maintenance.audit_archives import AuditArchives
from shared.services.maintenance.check_mail_domains import CheckMailDomains
from shared.services.maintenance.create_snapshot import CreateSnapshot
from shared.services.maintenance.follow_releases import FollowReleases
from shared.services.maintenance.follow_upstream_withdrawals import FollowUpstreamWithdrawals
from shared.services.maintenance.lock_disabled_accounts import LockDisabledAccounts
from shared.services.maintenance.place_archives import PlaceArchives
from shared.services.maintenance.update_advisories import UpdateAdvisories
from shared.services.maintenance.update_upstream_catalogue import UpdateUpstreamCatalogue
from tests.paths import docs
from tests.repo.azure_monitor import WORKBOOK, apps, charts, platform_rules, probes, queries, rules
from tests.support.bicep_templates import INFRA, MAIN, function_apps, module, template
from tests.support.tasks import TASKS

PAGE = docs("run/azure/monitoring")
NAMED = {rule["name"]: rule for rule in rules()}
# Only a registry with Entra ID or an upstream, or whose readers were changed, has these.
SOMETIMES = {
    LockDisabledAccounts.id,
    CheckMailDomains.id,
    ApplyMirrorRules.id,
    FollowUpstreamWithdrawals.id,
    UpdateUpstreamCatalogue.id,
    PlaceArchives.id,
    UpdateAdvisories.id,
    FollowReleases.id,
}
HOURS = {"1h": 1, "2h": 2, "3h": 3, "14h": 14, "26h": 26}


def section(title: str) -> str:
    """Return what stands below a title of the page."""
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def explained() -> dict[str, tuple[str, str]]:
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| (.+) \| (.+) \|$", section("Alerts"), re.MULTILINE)
    return {name: (meaning, remedy) for name, meaning, remedy in rows}


def hours_between_runs(schedule: str) -> float:
    runs = croniter(schedule, 0, second_at_beginning=True)
    return (runs.get_next() - runs.get_next()) / -3_600


def test_every_alert_is_explained_with_a_remedy() -> None:
    named = [each["name"] for each in (*rules(), *platform_rules(), *probes())]
    assert sorted(explained()) == sorted([*named, "budget"])


def test_every_alert_has_a_chart() -> None:
    shown = {*charts()}
    alerts = explained()
    assert alerts
    for name, (_, remedy) in alerts.items():
        assert shown & set(re.findall(r"\*\*(.+?)\*\*", remedy)), name


def test_every_chart_is_explained() -> None:
    rows = re.findall(r"^\| \*\*(.+?)\*\* \| .+ \|$", section("Workbook"), re.MULTILINE)
    assert sorted(rows) == sorted(charts())


def test_the_workbook_names_the_page_that_explains_it() -> None:
    texts = " ".join(i["content"]["json"] for i in WORKBOOK["items"] if i["type"] == 1)
    assert re.findall(r"docs/[\w/.-]+", texts) == ["docs/run/azure/monitoring.md"]


def test_no_query_counts_rows_of_requests_of_which_the_host_keeps_a_share() -> None:
    sampled = [query for query in queries().values() if query.strip().startswith("AppRequests")]
    assert sampled
    assert [query for query in sampled if "count()" in query or "percentile(" in query] == []
    assert not any("AppRequests" in rule["query"] for rule in rules())


def test_no_query_counts_a_line_of_the_log_twice() -> None:
    # The host keeps each line twice.
    of_lines = [query for query in queries().values() if "AppTraces" in query]
    assert of_lines
    for query in of_lines:
        assert "| distinct Message" in query or "by Message\n" in query


def test_every_task_is_watched_by_one_rule() -> None:
    watched = [
        task
        for name in ("timer-silent", "nightly-missed", "task-stopped")
        for task in re.findall(r'"([a-z]+(?:-[a-z]+)+)"', NAMED[name]["query"])
        if task != "read-only"
    ]
    assert sorted(watched) == sorted(task.id for task in TASKS if task.schedule)


def test_a_task_has_stopped_after_several_missed_runs_or_a_missed_night() -> None:
    rows = re.findall(r'"([a-z-]+)", (\w+), (true|false)', NAMED["task-stopped"]["query"])
    schedules = {task.id: task.schedule for task in TASKS if task.schedule}
    assert rows
    for task, within, always in rows:
        between = hours_between_runs(schedules[task])
        assert HOURS[within] >= min(2 * between, between + 2), task
        assert (always == "false") == (task in SOMETIMES), task


def test_rules_about_nights_look_back_further_than_a_day() -> None:
    # A run is a little later than the one of the day before, or an hour of checks lies between.
    for name in ("nightly-missed", "task-stopped"):
        assert NAMED[name]["asked"] == "P2D"
        assert "26h" in NAMED[name]["query"]


def test_no_rule_about_tasks_fires_before_an_installation_is_old_enough() -> None:
    for name in ("nightly-missed", "task-stopped"):
        assert "let since = toscalar(" in NAMED[name]["query"]


def test_a_task_that_read_only_mode_postpones_has_neither_stopped_nor_missed_a_night() -> None:
    for name in ("nightly-missed", "task-stopped"):
        assert '"read-only"' in NAMED[name]["query"]


def test_the_audit_and_the_snapshot_are_asked_for() -> None:
    assert f'"{AuditArchives.id}"' in NAMED["integrity-drift"]["query"]
    assert f'"{CreateSnapshot.id}"' in NAMED["nightly-missed"]["query"]


def test_readiness_is_asked_at_the_address_that_answers_before_a_domain_does() -> None:
    assert {probe["name"]: probe["address"] for probe in probes()} == {
        "not-ready": "endpoint",
        "certificate": "url",
        "uploads-not-ready": "endpoint",
    }


def test_uploads_are_asked_for_where_they_have_an_app_of_their_own() -> None:
    [probe] = [each for each in probes() if each["name"] == "uploads-not-ready"]
    assert probe["path"] == "/health/ready?app=uploads"
    assert "hasUploads || probe.name != 'uploads-not-ready'" in module("alerts").text
    assert template(MAIN).given("alerts")["hasUploads"] == "edge"


def test_every_app_is_watched() -> None:
    assert apps() == len(function_apps())


def test_alerts_about_many_things_say_which() -> None:
    split = {rule["name"]: rule["split"] for rule in rules() if rule["split"]}
    assert split == {"task-stopped": "task", "log-errors": "event"}
    for name, column in split.items():
        assert re.search(rf"\| project .*\b{column}\b", NAMED[name]["query"]), name


def test_a_rule_that_reads_the_logs_watches_their_daily_limit() -> None:
    # Rules over metrics of Azure still see something then.
    assert "OverQuota" in NAMED["logs-stopped"]["query"]
    assert "dailyQuotaGb" in module("monitoring").text


def test_every_placeholder_of_the_workbook_is_filled_in() -> None:
    placeholders = set(re.findall(r"[A-Z]+_ID\b", (INFRA / "workbook.json").read_text()))
    filled = set(re.findall(r"'([A-Z]+_ID)'", module("workbook").text))
    assert placeholders == filled
