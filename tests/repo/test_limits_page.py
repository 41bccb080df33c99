"""docs/limits.md lists every limit as the code has it."""

import pytest

from functions import _api, _forms, _http
from shared.domain.json_bounds import DEEPEST
from shared.domain.rates import Allowance, OperationClass, Subject
from shared.services.deploying import MAX_SBOM_BYTES, MOST_SBOM_VALUES
from shared.settings import Settings
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "limits.md").read_text("utf-8")
MIB = 1024 * 1024


@pytest.mark.parametrize("operation", OperationClass)
def test_every_class_has_its_row_with_setting_default_and_window(operation: OperationClass) -> None:
    [row] = [line for line in PAGE.splitlines() if line.startswith(f"| {operation.value} |")]
    field = f"limit_{operation.name.lower()}"
    allowance = Allowance(operation, Subject.ACCOUNT, limit=1, remaining=1, wait_ms=0)
    assert f"`BALLROOM_{field.upper()}`" in row
    assert f"`{Settings.model_fields[field].default}`" in row
    assert f"| {allowance.period} |" in row
    by = "each process" if operation is OperationClass.READ else "all instances"
    assert row.endswith(f"| {by} |")


def test_the_brake_is_described_with_its_default() -> None:
    packages, releases = (
        Settings.model_fields[f"brake_{each}"].default for each in ("packages", "releases")
    )
    told = " ".join(PAGE.split())
    assert f"After **{packages}** packages (`BALLROOM_BRAKE_PACKAGES`)" in told
    assert f"**{releases}** releases of however few packages (`BALLROOM_BRAKE_RELEASES`)" in told


@pytest.mark.parametrize(
    "row",
    [
        f"| JSON of Central | {_http.MOST_BYTES // MIB} MiB, {_http.MOST_VALUES:,} values,",
        f" values, {DEEPEST} levels |",
        f"| body of our API | {_api.MOST_BYTES // 1024} KiB;",
        f"| form of a page | {_forms.MOST_BYTES // 1024} KiB, {_forms.MOST_FIELDS} fields |",
        f"| bill of materials | {MAX_SBOM_BYTES // MIB} MiB, {MOST_SBOM_VALUES:,} values |",
    ],
)
def test_every_size_is_the_one_in_the_code(row: str) -> None:
    assert row in PAGE
