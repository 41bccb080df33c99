"""docs/limits.md lists every limit as the code has it."""

import pytest

from functions import _api, _forms, _http
from shared.domain.json_bounds import DEEPEST
from shared.domain.rates import Allowance, OperationClass, Subject
from shared.hosting.bodies import Limits
from shared.hosting.connection import MOST_QUEUED, Patience
from shared.hosting.files import MOST_IN_HAND
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


def _default(field: str) -> int:
    return Settings.model_fields[field].default


def _least_rate() -> int:
    """Return the bytes a second below which the largest archive takes too long."""
    return _default("max_archive_bytes") // _default("body_seconds")


@pytest.mark.parametrize(
    "row",
    [
        f"| JSON of Central | {_http.MOST_BYTES // MIB} MiB, {_http.MOST_VALUES:,} values,",
        f" values, {DEEPEST} levels |",
        f"| body of our API | {_api.MOST_BYTES // 1024} KiB;",
        f"| form of a page | {_forms.MOST_BYTES // 1024} KiB, {_forms.MOST_FIELDS} fields |",
        f"| connections | `BALLROOM_MAX_CONNECTIONS` ({_default('max_connections'):,}) |",
        f"`BALLROOM_MAX_CONNECTIONS_OF_ADDRESS` ({_default('max_connections_of_address')}) |",
        f"| head of a request | `BALLROOM_HEAD_SECONDS` ({_default('head_seconds')}) |",
        f"| body of a request | `BALLROOM_BODY_SECONDS` ({_default('body_seconds')}) |",
        f"| silence in a request | {Patience().sending_seconds:.0f} seconds |",
        f"at least `BALLROOM_MIN_RATE` ({_default('min_rate'):,}) bytes a second",
        f"before the answers to those before them | {MOST_QUEUED} |",
        f"`BALLROOM_MAX_WAITING_BYTES` ({_default('max_waiting_bytes') // MIB} MiB)",
        f"| pieces of archives in hand | {MOST_IN_HAND // MIB} MiB in pieces of 1 MiB |",
        f"`BALLROOM_MAX_ANONYMOUS_BYTES` ({_default('max_anonymous_bytes') // MIB} MiB)",
        f"| one body of others | {Limits().anonymous_body_bytes // MIB} MiB |",
        f"those that bring less than {Limits().contended_rate // 1024} KiB a second",
        f"ends at {Limits().most_asked // 1024} KiB: below {_least_rate() // 1024 + 1} KiB",
        f"| bill of materials | {MAX_SBOM_BYTES // MIB} MiB, {MOST_SBOM_VALUES:,} values |",
    ],
)
def test_every_size_is_the_one_in_the_code(row: str) -> None:
    assert row in PAGE
