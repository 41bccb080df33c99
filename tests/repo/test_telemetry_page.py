"""docs/run/telemetry.md lists every metric, span and event as the code has it."""

import ast
import re
from collections.abc import Iterator

from shared.domain.tasks import TaskReport
from shared.telemetry.metrics import INSTRUMENTS, Instrument
from shared.telemetry.spans import HTTP_NAMES
from shared.telemetry.traces import OUTGOING_SPAN, REQUEST_SPAN, STORE_SPAN, UPKEEP_SPAN
from tests.paths import ROOT
from tests.repo.product_source import product

PAGE = (ROOT / "docs" / "run" / "telemetry.md").read_text("utf-8")
LEVELS = {"exception": "error"}

# Fields that are told together: what `**` stands for, by the event.
TOGETHER = {"upkeep.done": [*TaskReport().as_event()]}


def metric_row(instrument: Instrument) -> str:
    kind = f"{instrument.kind.value}, {instrument.unit}"
    by = ", ".join(f"`{each}`" for each in instrument.attributes)
    return f"| `{instrument.name}` | {kind} | {by} | {instrument.about} |"


def events() -> Iterator[tuple[str, str, str]]:
    """Yield every event that the code logs: its name, its level, and its fields as a row says."""
    for module in product():
        for node in module.find(ast.Call):
            match node:
                case ast.Call(
                    ast.Attribute(ast.Name("log") | ast.Attribute(ast.Name("log"), "log"), method),
                    [ast.Constant(str(name)), *_],
                    fields,
                ):
                    yield name, LEVELS.get(method, method), _shown(name, fields)
                case ast.Call(ast.Name("logged"), [ast.Constant(str(name)), *names], level):
                    fields = [ast.keyword(ast.literal_eval(each), each) for each in names]
                    yield (
                        name,
                        ast.unparse(level[0].value)[4:] if level else "warning",
                        _shown(name, fields),
                    )
                case _:
                    pass


def _shown(name: str, fields: list[ast.keyword]) -> str:
    named = [each for field in fields for each in ([field.arg] if field.arg else TOGETHER[name])]
    return ", ".join(f"`{each}`" for each in named)


def rows(title: str) -> list[str]:
    """Return the rows of the last table below a title, without its head."""
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    tables = re.findall(r"^\|(?:-+\|)+\n((?:\|.*\n)+)", section, re.MULTILINE)
    return tables[-1].splitlines()


def test_the_metrics_of_the_page_are_those_of_the_code() -> None:
    assert rows("Metrics") == [metric_row(each) for each in INSTRUMENTS]


def test_the_spans_of_the_page_are_those_of_the_code() -> None:
    cells = [row.split("|")[3:5] for row in rows("Traces")]
    own = tuple(re.findall(r"`([\w.]+)`", each[0]) for each in cells)
    standard = [re.findall(r"`([\w.]+)`", each[1]) for each in cells]
    named = {name for name in OUTGOING_SPAN if name in HTTP_NAMES}
    assert own == (
        [*REQUEST_SPAN],
        [*STORE_SPAN],
        [name for name in OUTGOING_SPAN if name not in named],
        [*UPKEEP_SPAN],
    )
    assert standard[2] == [HTTP_NAMES[name] for name in OUTGOING_SPAN if name in named]
    assert standard[0] == [HTTP_NAMES[name] for name in ("method", "status")]


def test_every_event_has_its_row_with_level_and_fields() -> None:
    documented = {tuple(map(str.strip, row.split("|")[1:4])) for row in rows("The log")}
    logged = {(f"`{name}`", level, fields) for name, level, fields in events()}
    assert len(logged) > 20
    assert sorted(logged - documented) == []
    assert sorted(documented - logged) == []
