"""The alert rules and the dashboard for one machine read metrics and labels that there are."""

import json
import re
from collections.abc import Iterator

import pytest
import yaml

from functions.faces import operations
from shared.domain.errors.base import Refusal
from shared.domain.tasks import TaskResult
from shared.domain.webhooks import AttemptResult
from shared.settings import Settings
from shared.telemetry.metrics import ANSWERED, BROKEN, INSTRUMENTS, STREAMED, InstrumentKind
from shared.telemetry.prometheus import metric_name
from tests.paths import ROOT, docs
from tests.support.refusals import refusals_of_the_source

MACHINE = ROOT / "infra" / "machine"
RULES = yaml.safe_load((MACHINE / "prometheus-alerts.yml").read_text())["groups"][0]["rules"]
DASHBOARD = json.loads((MACHINE / "grafana-dashboard.json").read_text())
EXPRESSIONS = [
    *(rule["expr"] for rule in RULES),
    *(target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]),
]
WHEN_ASKED = r"`(ballroom_(?:tasks|read|disk|mirror|damaged|backup|drill|signing)_\w+)`"
MEASURED_WHEN_ASKED = set(re.findall(WHEN_ASKED, docs("run/telemetry")))


def samples() -> Iterator[str]:
    """Yield the name of every sample that a registry may expose."""
    yield from MEASURED_WHEN_ASKED
    for each in INSTRUMENTS:
        name = metric_name(each)
        match each.kind:
            case InstrumentKind.COUNTER:
                yield f"{name}_total"
            case InstrumentKind.HISTOGRAM:
                yield from (f"{name}_{part}" for part in ("bucket", "count", "sum"))
            case InstrumentKind.GAUGE:
                yield name


def refusals(kind: type[Refusal]) -> Iterator[str]:
    """Yield the name of every class of refusals."""
    for each in kind.__subclasses__():
        yield each.__name__
        yield from refusals(each)


def values(label: str) -> set[str]:
    """Return the values that expressions ask of a label."""
    found = re.findall(rf'\b{label}(?:=~|!~|!=|=)"([^"]+)"', " ".join(EXPRESSIONS))
    return {value for each in found for value in each.split("|")}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_reads_metrics_that_are_exposed(expression: str) -> None:
    named = set(re.findall(r"\bballroom_\w+", expression))
    assert named <= {*samples()}
    assert named or "up{" in expression


def test_expressions_name_operations_outcomes_and_results_of_the_code() -> None:
    served = {each.name for each in operations(Settings(metrics="loopback"))}
    assert values("operation") <= served | {"archive_stream"}
    raised = {each.outcome for each in refusals_of_the_source()}
    assert values("outcome") <= {*raised, *refusals(Refusal), ANSWERED, BROKEN, STREAMED}
    assert values("result") <= {each.value for each in (*TaskResult, *AttemptResult)}


def test_expressions_name_events_of_the_log() -> None:
    logged = set(re.findall(r"^\| `([\w.]+)` \| error \|", docs("run/telemetry"), re.MULTILINE))
    assert values("event") <= logged


def test_every_alert_has_a_panel_with_its_metric() -> None:
    # Whether the registry answers is a metric of Prometheus itself.
    shown = " ".join(target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"])
    for rule in RULES:
        named = set(re.findall(r"\bballroom_\w+", rule["expr"]))
        assert named <= set(re.findall(r"\bballroom_\w+", shown)), rule["alert"]
