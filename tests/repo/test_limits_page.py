"""docs/limits.md lists every limit as the code has it."""

import pytest

from functions.api import operations
from functions.http import requests
from shared.adapters.blob.documents import DOCUMENTS_CACHED_BYTES, LARGEST_CACHED_DOCUMENT_BYTES
from shared.adapters.cosmos.graphs import LARGEST_GRAPH_ITEM_BYTES
from shared.adapters.editions import MOST_CHANGED
from shared.ballerina.types import NESTING_LIMIT
from shared.domain.api_docs.sources import MAX_SOURCE_BYTES
from shared.domain.api_docs.symbols import MAX_PACKED_LENGTH
from shared.domain.archives.unpacking import ArchiveLimits
from shared.domain.bounded_parsing import MAX_JSON_DEPTH
from shared.domain.rate_limits import RateLimitAllowance, RateLimitClass, RateLimitSubject
from shared.domain.search import MAX_SYMBOLS_FOUND, MAX_SYMBOLS_PER_PAGE
from shared.hosting.answer_cache import CAPACITY_BYTES
from shared.hosting.file_responses import MAX_BUFFERED_BYTES
from shared.hosting.http_server.connection import MAX_PIPELINED_REQUESTS, ConnectionTimeouts
from shared.hosting.request_bodies import HostLimits
from shared.hosting.requests import LONGEST_HEADERS, LONGEST_LINE, MOST_HEADERS
from shared.log import STACKS_A_SECOND, WHOLE_LINES_A_SECOND
from shared.runtime.caching import SURVEYS_CACHED_BYTES
from shared.services.limits.rate_limits import MAX_CALLERS
from shared.services.maintenance.write_package_pack import PACK_BYTES, VERSIONS_PACKED
from shared.services.packages.archive_files import FILE_LISTS_CACHED_BYTES
from shared.services.packages.derived_data import DOCUMENTS_CACHED_BYTES as INDEX_CACHED_BYTES
from shared.services.packages.package_cache import CAPACITY_BYTES as PACKAGES_CACHED_BYTES
from shared.services.publishing.maven import (
    MAX_SBOM_BYTES,
    MAX_SBOM_VALUES,
    VERSION_LISTS_CACHED_BYTES,
)
from shared.settings import Settings
from tests.paths import docs

PAGE = docs("limits", "host-limits")
MIB = 1024 * 1024
ARCHIVES = ArchiveLimits()


@pytest.mark.parametrize("operation", RateLimitClass)
def test_every_class_has_its_row_with_setting_default_and_window(operation: RateLimitClass) -> None:
    [row] = [line for line in PAGE.splitlines() if line.startswith(f"| {operation.value} |")]
    field = f"limit_{operation.name.lower()}"
    allowance = RateLimitAllowance(
        operation, RateLimitSubject.ACCOUNT, limit=1, remaining=1, wait_ms=0
    )
    assert f"`BALLROOM_{field.upper()}`" in row
    assert f"`{Settings.model_fields[field].default}`" in row
    assert f"| {allowance.period} |" in row
    by = "each process" if operation is RateLimitClass.READ else "all instances"
    assert row.endswith(f"| {by} |")


def test_burst_detection_is_described_with_its_defaults() -> None:
    packages, releases = (
        Settings.model_fields[f"brake_{each}"].default for each in ("packages", "releases")
    )
    text = " ".join(docs("burst-detection").split())
    assert f"After **{packages}** packages (`BALLROOM_BRAKE_PACKAGES`)" in text
    assert f"**{releases}** releases of however few packages (`BALLROOM_BRAKE_RELEASES`)" in text


def _default(field: str) -> int:
    return Settings.model_fields[field].default


def _least_rate() -> int:
    """Return the bytes a second below which the largest archive takes too long."""
    return _default("max_archive_bytes") // _default("body_seconds")


@pytest.mark.parametrize(
    "row",
    [
        f"| JSON of Central | {requests.MAX_JSON_BYTES // MIB} MiB, ",
        f" MiB, {requests.MAX_JSON_VALUES:,} values,",
        f" values, {MAX_JSON_DEPTH} levels |",
        f"| body of our API | {operations.MAX_BODY_BYTES // 1024} KiB;",
        f"| form of a page | {requests.MAX_FORM_BYTES // 1024} KiB, ",
        f" KiB, {requests.MAX_FORM_FIELDS} fields |",
        f"| connections | `BALLROOM_MAX_CONNECTIONS` ({_default('max_connections'):,}) |",
        f"`BALLROOM_MAX_CONNECTIONS_OF_ADDRESS` ({_default('max_connections_of_address')}) |",
        f"| head of a request | `BALLROOM_HEAD_SECONDS` ({_default('head_seconds')}) |",
        f"| body of a request | `BALLROOM_BODY_SECONDS` ({_default('body_seconds')}) |",
        f"| silence in a request | {ConnectionTimeouts().sending_seconds:.0f} seconds |",
        f"at least `BALLROOM_MIN_RATE` ({_default('min_rate'):,}) bytes a second",
        f"before the answers to those before them | {MAX_PIPELINED_REQUESTS} |",
        f"`BALLROOM_MAX_WAITING_BYTES` ({_default('max_waiting_bytes') // MIB} MiB)",
        f"| pieces of archives in hand | {MAX_BUFFERED_BYTES // MIB} MiB in pieces of 1 MiB |",
        f"`BALLROOM_MAX_ANONYMOUS_BYTES` ({_default('max_anonymous_bytes') // MIB} MiB)",
        f"| one body of others | {HostLimits().anonymous_body_bytes // MIB} MiB |",
        f"those that bring less than {HostLimits().contended_rate // 1024} KiB a second",
        f"ends at {HostLimits().highest_rate // 1024} KiB: below {_least_rate() // 1024 + 1} KiB",
        f"| bill of materials | {MAX_SBOM_BYTES // MIB} MiB, {MAX_SBOM_VALUES:,} values |",
        f"| archive | `BALLROOM_MAX_ARCHIVE_BYTES` ({_default('max_archive_bytes') // MIB} MiB;",
        f"`BALLROOM_MAX_RESOLVE` ({_default('max_resolve'):,}) |",
        f"| {ARCHIVES.entries:,}; unpacked {ARCHIVES.unpacked_bytes // MIB} MiB together |",
        f"| {ARCHIVES.ratio} times its packed size: each entry above",
        f"above {ARCHIVES.ratio_from_bytes // MIB} MiB, and all together",
        f"all together above {ARCHIVES.archive_ratio_from_bytes // MIB} MiB |",
        f"| request line: method, target, version | {LONGEST_LINE // 1024} KiB |",
        f"| {MOST_HEADERS}, and {LONGEST_HEADERS // 1024} KiB together |",
        f"At most {MAX_CALLERS:,} callers a minute",
        f"| cached answers of a process | {CAPACITY_BYTES // MIB} MiB of memory",
        f"| cached lists of versions of a process | {SURVEYS_CACHED_BYTES // MIB} MiB of memory",
        f"| {PACKAGES_CACHED_BYTES // MIB} MiB of records, {MOST_CHANGED:,} changes of packages",
        f"| {PACK_BYTES // MIB} MiB of these records, up to {VERSIONS_PACKED} releases",
        f"| cached index files of a process | {INDEX_CACHED_BYTES // MIB} MiB |",
        f"| {VERSION_LISTS_CACHED_BYTES // MIB} MiB for each of the last four distributions",
        f"files of archives, of a process | {FILE_LISTS_CACHED_BYTES // MIB} MiB |",
        f"| {DOCUMENTS_CACHED_BYTES // MIB} MiB, and none above",
        f" none above {LARGEST_CACHED_DOCUMENT_BYTES // 1024} KiB; a graph above",
        f" a graph above {LARGEST_GRAPH_ITEM_BYTES // 1024} KiB compressed",
        f"| {MAX_SOURCE_BYTES:,} characters, types nested {NESTING_LIMIT} levels |",
        f"| {MAX_PACKED_LENGTH // 1024} KiB compressed, some",
        f"| results of a search of symbols | {MAX_SYMBOLS_FOUND:,}",
        f"and {MAX_SYMBOLS_PER_PAGE} on a page |",
        f"at most {WHOLE_LINES_A_SECOND} lines a second",
        f"and {STACKS_A_SECOND} stacks",
    ],
)
def test_every_size_is_the_one_in_the_code(row: str) -> None:
    assert row in PAGE
