"""Jobs of the task `release`, run in the process of the test, and what they write."""

import gzip
import json
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.confined.jobs import Json
from shared.confined.release_docs import make_release
from shared.confined.release_files import ReleaseRequest
from shared.confined.tasks import Job
from shared.domain.api_docs.documents import write_document
from shared.domain.api_docs.model import ModuleDocs
from shared.domain.api_docs.pieces import PieceKind, PiecePlace, piece_name
from shared.domain.api_docs.records import ApiDocsRecord
from shared.domain.packages import Texts
from tests.fakes.confined import NoLimits, order_of
from tests.support.archives import zipped
from tests.support.documented import GRAPH


class Ended(SystemExit):
    """The end of the process at some moment."""


def a_request(**facts: Any) -> ReleaseRequest:
    """Return the facts of `acme/shop:1.2.0`, with one module unless others are named."""
    whole: dict[str, Any] = {
        "org": "acme",
        "name": "shop",
        "version": "1.2.0",
        "bala_version": "3.0.0",
        "digest": "ab" * 32,
        "created_ms": 1_790_000_000_000,
        "modules": ("shop",),
        "texts": Texts(),
        "graph": GRAPH,
        "oldest": "1.0.0",
    }
    return ReleaseRequest(**{**whole, **facts})


@dataclass
class ReleaseJob:
    """A job in its folder; `files` are those of the archive."""

    folder: Path
    files: Mapping[str, str | bytes]
    request: ReleaseRequest
    begun: list[str] = field(default_factory=list[str])
    ended: dict[str, Json] = field(default_factory=dict[str, Json])
    refused: dict[str, Json] = field(default_factory=dict[str, Json])

    def __post_init__(self) -> None:
        """Write what the job reads."""
        self.folder.mkdir(exist_ok=True)
        (self.folder / "archive").write_bytes(zipped(self.files))
        (self.folder / "request.json").write_text(self.request.model_dump_json())

    def run(self, skip: Set[str] = frozenset(), end_in: str = "") -> None:
        """Run the task; `end_in` is the part in which the process ends."""

        def report(line: Mapping[str, Json]) -> None:
            if "begin" in line:
                self.begun.append(str(line["begin"]))
                if line["begin"] == end_in:
                    raise Ended
            if "end" in line:
                self.ended[str(line["end"])] = line["result"]
            if "refused" in line:
                self.refused[str(line["refused"])] = line["error"]

        Job(order_of(self.folder, skip=skip), NoLimits(), report).run_task(make_release)

    @property
    def record(self) -> ApiDocsRecord:
        return ApiDocsRecord.model_validate_json(self._output("record.json"))

    @property
    def pieces(self) -> dict[str, bytes]:
        """All pieces by their names."""
        content = self._output("all.pieces")
        pointer = self.record.pieces
        assert pointer
        rows = json.loads(content[pointer.index_start : pointer.end])
        places = {name: PiecePlace(*place) for name, *place in rows}
        return {
            name: place.unpack(content[place.start : place.start + place.length])
            for name, place in places.items()
        }

    def text(self, kind: PieceKind, *of: str) -> str:
        return self.pieces[piece_name(kind, *of)].decode()

    def json(self, kind: PieceKind, *of: str) -> Any:
        return json.loads(self.text(kind, *of))

    def names(self, kind: PieceKind) -> list[str]:
        """Return of what there are pieces of this kind."""
        found = (name.partition("|") for name in self.pieces)
        return [of for each, _, of in found if each == kind.value]

    def _output(self, name: str) -> bytes:
        return (self.folder / "output" / name).read_bytes()


Jobs = Callable[..., ReleaseJob]


def write_documents(folder: Path, *modules: ModuleDocs) -> None:
    """Write documents as they are given to a job."""
    folder.mkdir(parents=True)
    for number, module in enumerate(modules):
        document = gzip.compress(write_document(module))
        (folder / f"{number}.json.gz").write_bytes(document)
