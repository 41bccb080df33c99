"""The delta: what packages show since the base was made, the newest change of each."""

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shared.adapters.cloud_search.pointer import Unreadable
from shared.adapters.cosmos.listings import Change

LIMIT = 2 * 1024 * 1024  # Bytes as stored: what every instance may read every quarter of a minute.
_UNPACKED_LIMIT = 32 * LIMIT  # JSON packs to a fifth.
_COMPRESSION = 6


@dataclass(frozen=True, slots=True)
class Delta:
    """Changes by the keys of their packages."""

    changes: Mapping[str, Change] = field(default_factory=dict[str, Change])

    def merged(self, changes: Iterable[Change]) -> "Delta":
        """Return the delta with these as well; of two changes of a package the later one stays.

        Where none is later, it is this very delta.
        """
        later = dict(self.changes)
        for change in changes:
            known = later.get(change.key)
            if known is None or change.revision > known.revision:
                later[change.key] = change
        return self if later == self.changes else Delta(later)

    def without(self, applied: "Delta") -> "Delta":
        """Return what is left when all that is in `applied` is in the base."""
        left = {
            key: change
            for key, change in self.changes.items()
            if key not in applied.changes or change.revision > applied.changes[key].revision
        }
        return Delta(left)


def packed(delta: Delta) -> bytes:
    """Return the delta as it is stored."""
    rows = [[each.key, each.revision, each.body] for each in delta.changes.values()]
    return zlib.compress(json.dumps(rows, separators=(",", ":")).encode(), _COMPRESSION)


def unpacked(content: bytes) -> Delta:
    """Return the delta of a blob; raise `Unreadable`."""
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(content, _UNPACKED_LIMIT)
        if not unpacker.eof:
            message = "the delta is cut off, or too large"
            raise Unreadable(message)
        rows = json.loads(text)
        changes = [Change(key, revision, body) for key, revision, body in rows]
    except (zlib.error, ValueError, TypeError) as wrong:
        message = "the delta is no list of changes"
        raise Unreadable(message) from wrong
    return Delta({change.key: change for change in changes})
