"""The figures and the fault table that a run ends with."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import pytest

Record = Callable[[str, object], None]

FIGURE = "figure of the crash suite"  # A property: what, and how many.
ROW = "row of the fault table"  # A property: the use-case, its fault, how it was answered.


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures that the tests told, added up, and the fault table."""
    shown = Reported.by(terminalreporter.getreports(""))
    if shown.figures:
        terminalreporter.section("crash suite")
    for line in shown.lines():
        terminalreporter.line(line)


@dataclass
class Reported:
    """What the tests of a run told."""

    figures: Counter[str]
    rows: Counter[tuple[str, str, str]]

    @classmethod
    def by(cls, reports: Sequence[pytest.TestReport]) -> Self:
        """Add up what stands in the reports; that of a teardown holds all of its test."""
        shown = cls(Counter(), Counter())
        for report in reports:
            properties: list[tuple[str, Any]] = report.user_properties
            for name, value in properties if report.when == "teardown" else ():
                if name == FIGURE:
                    shown.figures[value[0]] += value[1]
                if name == ROW:
                    shown.rows[tuple(value)] += 1
        return shown

    def lines(self) -> Iterator[str]:
        """Yield the report."""
        for name, count in sorted(self.figures.items()):
            yield f"{count:>6} {name}"
        if self.rows:
            yield f"{self.rows.total():>6} rows of the fault table:"
            faults = sorted({fault for _, fault, _ in self.rows})
            yield f"{'':34}" + "".join(f"{fault:>20}" for fault in faults)
            for name in sorted({name for name, _, _ in self.rows}):
                yield f"  {name:32}" + "".join(f"{self._cell(name, each):>20}" for each in faults)

    def _cell(self, name: str, fault: str) -> str:
        found = {key[2]: count for key, count in self.rows.items() if key[:2] == (name, fault)}
        return ", ".join(f"{count} x {status}" for status, count in sorted(found.items()))
