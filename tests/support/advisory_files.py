"""Files of advisories as other databases give them."""

import json
import zipfile
from collections.abc import Iterable
from io import BytesIO
from typing import Any


def record(advisory_id: str, name: str, *, fixed: str = "2.0", ecosystem: str = "Maven") -> Any:
    """Return a record of OSV about the versions of a package before one."""
    ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}]
    package = {"ecosystem": ecosystem, "name": name}
    return {
        "id": advisory_id,
        "modified": "2026-05-01T10:00:00Z",
        "summary": f"Of {name}",
        "affected": [{"package": package, "ranges": ranges}],
    }


def dump(records: Iterable[Any]) -> bytes:
    """Return a ZIP archive with a file for each record."""
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, each in enumerate(records):
            text = each if isinstance(each, bytes) else json.dumps(each).encode()
            name = each["id"] if isinstance(each, dict) else f"record-{number}"
            archive.writestr(f"{name}.json", text)
    return content.getvalue()
