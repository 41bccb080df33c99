"""The sparse index: a file for each package, with one line of JSON for each of its releases.

Clients need nine keys, which come first and in this order; the others may be absent. A line has the
current state, so a deprecation changes it. Lines are in the order of publication: a new release
adds one at the end, and the bytes before it stay.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from shared.domain.archives.digests import Digest
from shared.domain.packages import Head, ReleaseEntry, Survey, effective_deprecation
from shared.domain.release_states import State

INDEX_CONFIG_PATH = "config.json"
FILE_NAME = "index.json"
INDEX_TYPE = "application/x-ndjson"
LINE_SCHEMA = 1
CONFIG_VERSION = 1

# ASCII, because some readers end lines at other characters than a line feed. Created once, because
# otherwise each line would create an encoder.
_ENCODER = json.JSONEncoder(separators=(",", ":"))


def index_file(survey: Survey) -> bytes:
    """Return the lines of a package's live releases; empty where there are none.

    They name the successor, so callers leave one out that readers may not see.
    """
    live = [entry for entry in reversed(survey.entries) if entry.state is State.LIVE]
    # Sorting is stable, so of simultaneous releases the lower version comes first.
    published = sorted(live, key=lambda entry: entry.created_ms)
    head = survey.head
    return b"".join(
        _json({**_nine_keys(head, entry), **dict(_more_keys(head, entry))}) for entry in published
    )


def with_advisories(content: bytes, advisories: Mapping[str, Sequence[str]]) -> bytes:
    """Return an index file in which the lines of some versions have the ids of the advisories that
    affect them."""
    return b"".join(map(partial(_with_advisories, advisories=advisories), content.splitlines()))


def _with_advisories(line: bytes, advisories: Mapping[str, Sequence[str]]) -> bytes:
    keys = json.loads(line)
    ids = advisories.get(keys["version"])
    return _json(keys | {"advisories": list(ids)}) if ids else line + b"\n"


def index_config(base_url: str) -> bytes:
    config = {
        "version": CONFIG_VERSION,
        "dl": f"{base_url}/2.0/maven/{{org}}/{{name}}/{{version}}/{{name}}-{{version}}.bala",
        "api": f"{base_url}/2.0/registry",
        "auth-required": False,
    }
    return _json(config)


def index_path(head: Head) -> str:
    """Return the path of the package's file below the root of the index."""
    return f"{head.org}/{head.name}/{FILE_NAME}"


def _nine_keys(head: Head, entry: ReleaseEntry) -> dict[str, object]:
    deprecation = effective_deprecation(head, entry.deprecation)
    return {
        "org": head.org,
        "name": head.name,
        "version": entry.version,
        "platform": entry.platform,
        "ballerina_version": entry.ballerina_version,
        "is_deprecated": deprecation is not None,
        "deprecation_message": deprecation or "",
        "modules": [{"name": name} for name in entry.modules],
        "dependencies": [
            {"org": each.org, "name": each.name, "version": each.version}
            for each in entry.dependencies
        ],
    }


def _more_keys(head: Head, entry: ReleaseEntry) -> Iterator[tuple[str, object]]:
    yield "checksum", Digest(entry.digest).header()
    if entry.size_bytes:  # Not known of a release that Central describes.
        yield "size", entry.size_bytes
    yield "created", entry.created_ms
    if entry.signatures:
        yield "signatures", [each.shown() for each in entry.signatures]
    if entry.by_ci:
        yield "published_by_ci", True
    if entry.sigstore:
        yield "sigstore", entry.sigstore
    if entry.tools:
        yield "tool_id", entry.tools[0]
    yield "visibility", head.visibility.value
    if head.successor:
        yield "successor", head.successor
    yield "schema", LINE_SCHEMA


def _json(value: object) -> bytes:
    return _ENCODER.encode(value).encode("ascii") + b"\n"
