"""The task `sboms`: compare the bill of materials of an author with that of the registry.

Components are the same if they have the same package URL, without its qualifiers, or the same
SHA-256. Nothing else of the author's bill is read.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

import msgspec
from msgspec import Struct
from packageurl import PackageURL

from shared.confined.job_files import AUTHOR_SBOM, DIFFERENCES, REGISTRY_SBOM
from shared.confined.tasks import Job
from shared.domain.bounded_parsing import has_at_most_values
from shared.domain.sboms import (
    MAX_SBOM_BYTES,
    MAX_SBOM_VALUES,
    Difference,
    DifferentComponent,
    SbomDifferences,
)
from shared.domain.text_lines import in_one_line

MAX_COMPONENTS = 20_000  # Components of a bill of materials that is compared.
MAX_SHOWN = 500  # Differences.
MAX_TEXT_LENGTH = 300  # Characters of a name, a version or a package URL.
_SHA_256 = "SHA-256"
_HASH_LENGTH = 64


class _Unreadable(Exception):
    """Why the author's bill is not compared, as the end of a sentence."""


class _Component(Struct, frozen=True):
    """What is compared of a component; each part may be empty."""

    package: str = ""  # A package URL without version.
    version: str = ""
    sha256: str = ""
    name: str = ""

    @property
    def purl(self) -> str:
        return f"{self.package}@{self.version}" if self.version else self.package

    @property
    def label(self) -> str:
        return self.purl or self.name or self.sha256 or "a component without a name"


def compare_sboms(job: Job) -> None:
    """Write `SbomDifferences`."""

    def work() -> None:
        ours = list(_components((job.folder / REGISTRY_SBOM).read_bytes()))
        try:
            theirs = list(_components((job.folder / AUTHOR_SBOM).read_bytes()))
            found = differences(ours, theirs)
        except _Unreadable as why:
            found = SbomDifferences(problem=str(why))
        (job.output / DIFFERENCES).write_bytes(msgspec.json.encode(found))

    job.run_last("sboms", work)


def differences(ours: list[_Component], theirs: list[_Component]) -> SbomDifferences:
    pairs = list[tuple[_Component, _Component]]()
    keys: list[Callable[[_Component], str]] = [
        lambda each: each.purl if each.version else "",
        lambda each: each.sha256,
        lambda each: each.package,
    ]
    for key in keys:
        found, ours, theirs = _paired(ours, theirs, key)
        pairs += found
    unequal = list(filter(None, (_difference(*pair) for pair in pairs)))
    different = [
        *unequal,
        *(DifferentComponent(Difference.ONLY_HERE, each.label) for each in ours),
        *(DifferentComponent(Difference.ONLY_AUTHOR, each.label) for each in theirs),
    ]
    return SbomDifferences(
        same=len(pairs) - len(unequal),
        differences=tuple(different[:MAX_SHOWN]),
        hidden=max(0, len(different) - MAX_SHOWN),
    )


def _paired(
    ours: Iterable[_Component], theirs: Iterable[_Component], key: Callable[[_Component], str]
) -> tuple[list[tuple[_Component, _Component]], list[_Component], list[_Component]]:
    """Return the pairs with the same key, and what is left of each side."""
    waiting = dict[str, list[_Component]]()
    left = list[_Component]()
    for each in theirs:
        if key(each):
            waiting.setdefault(key(each), []).append(each)
        else:
            left.append(each)
    pairs = list[tuple[_Component, _Component]]()
    alone = list[_Component]()
    for each in ours:
        if found := waiting.get(key(each)):
            pairs.append((each, found.pop(0)))
        else:
            alone.append(each)
    return pairs, alone, [*left, *(each for rest in waiting.values() for each in rest)]


def _difference(ours: _Component, theirs: _Component) -> DifferentComponent | None:
    name = ours.label
    if ours.package and theirs.package and ours.package != theirs.package:
        return DifferentComponent(Difference.VERSION, name, ours.purl, theirs.purl)
    if ours.version and theirs.version and ours.version != theirs.version:
        return DifferentComponent(Difference.VERSION, ours.package, ours.version, theirs.version)
    if ours.sha256 and theirs.sha256 and ours.sha256 != theirs.sha256:
        return DifferentComponent(Difference.CONTENT, name, ours.sha256, theirs.sha256)
    return None


# --- Reading a bill -----------------------------------------------------------------------------


def _components(content: bytes) -> Iterator[_Component]:
    bill = _read(content)
    metadata = _table(bill.get("metadata"))
    waiting = [metadata.get("component"), *_listed(bill.get("components"))]
    count = 0
    while waiting:
        each = _table(waiting.pop())
        count += 1
        if count > MAX_COMPONENTS:
            reason = f"it has more than {MAX_COMPONENTS:,} components"
            raise _Unreadable(reason)
        waiting += _listed(each.get("components"))
        if each:
            yield _component(each)


def _read(content: bytes) -> Mapping[str, Any]:
    if len(content) > MAX_SBOM_BYTES or not has_at_most_values(MAX_SBOM_VALUES, content):
        reason = "it is too large"
        raise _Unreadable(reason)
    try:
        bill = _table(json.loads(content))
    except (ValueError, RecursionError):
        reason = "it is no JSON"
        raise _Unreadable(reason) from None
    if bill.get("bomFormat") != "CycloneDX":
        reason = "it is no CycloneDX document"
        raise _Unreadable(reason)
    return bill


def _component(each: Mapping[str, Any]) -> _Component:
    package, version = _package(each.get("purl"))
    digests = (
        hashed.get("content")
        for hashed in map(_table, _listed(each.get("hashes")))
        if hashed.get("alg") == _SHA_256
    )
    digest = next((text for text in digests if isinstance(text, str)), "").lower()
    return _Component(
        package=package,
        version=version,
        sha256=digest if len(digest) == _HASH_LENGTH else "",
        name=_text(each.get("name")),
    )


def _package(text: object) -> tuple[str, str]:
    """Return a package URL without version, qualifiers and path, and its version."""
    if not isinstance(text, str) or len(text) > MAX_TEXT_LENGTH:
        return "", ""
    try:
        url = PackageURL.from_string(text)
    except ValueError:
        return "", ""
    return PackageURL(url.type, url.namespace, url.name).to_string(), _text(url.version)


def _text(value: object) -> str:
    text = value if isinstance(value, str) else ""
    return in_one_line(text[:MAX_TEXT_LENGTH].encode(errors="replace").decode())


def _listed(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _table(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}
