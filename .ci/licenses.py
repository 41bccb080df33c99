"""Write the page of the licenses of all that is shipped, or check it and them.

`python .ci/licenses.py` writes the list of docs/run/third-party.md from the metadata of what
the locks pin, as it is installed in the environment that runs this, and from .ci/licenses.toml,
where people wrote what metadata does not say. `python .ci/licenses.py check` fails with a sentence
if the page is stale, if a license is unknown, or if it is not one of those that are allowed.
"""

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from shared.domain.licenses import LicenseUnreadable, parse_license  # noqa: E402 - as above.

LOCKS = {  # What is pinned in each, as the page names it.
    ROOT / "requirements.txt": "every installation",
    ROOT / "infra" / "requirements.txt": "Azure, extra `azure`",
}
RULES = ROOT / ".ci" / "licenses.toml"
PAGE = ROOT / "docs" / "run" / "third-party.md"
COMMAND = "make licenses"

# What the field `License` and classifiers say in words of their own; others are unclear.
SPELLINGS = {
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "PSFL": "PSF-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
}
UNCLEAR = {"BSD", "BSD License", "OSI Approved"}

_HEADING = "\n## Packages\n\n"  # What is below it is written by this program.
_PIN = re.compile(r"^([\w.-]+)==(\S+)(?: ; .+)? \\$", re.MULTILINE)
_TEXT = re.compile(r"\.dist-info/(licenses/|LICEN[CS]E|COPYING|NOTICE)", re.IGNORECASE)


@dataclass(frozen=True)
class Shipped:
    """A pin of a lock with its license, an empty text where nobody knows it."""

    name: str
    version: str
    license: str
    place: str
    has_text: bool | None  # None: it is not installed here.

    @property
    def pin(self) -> str:
        """Return how the lock names it."""
        return f"{self.name}=={self.version}"


def main(arguments: Sequence[str]) -> str | None:
    """Run one of the two commands; return why it failed, or None."""
    rules = tomllib.loads(RULES.read_text("utf-8"))
    reviewed: Mapping[str, str] = rules["reviewed"]
    allowed: Sequence[str] = rules["allowed"]
    match arguments:
        case []:
            PAGE.write_text(page(shipped(reviewed), allowed), "utf-8")
            return None
        case ["check"]:
            found = shipped(reviewed)
            troubles = [*problems(found, reviewed, allowed)]
            if not troubles and page(found, allowed) != PAGE.read_text("utf-8"):
                name = PAGE.relative_to(ROOT)
                troubles = [f"{name} does not list what the locks pin. Run: {COMMAND}"]
            return "\n".join(troubles) or None
        case _:
            return "usage: .ci/licenses.py [check]"


def shipped(reviewed: Mapping[str, str]) -> list[Shipped]:
    """Return every pin of the locks, in the order of their names."""
    found = list[Shipped]()
    for lock, place in LOCKS.items():
        for name, version in _PIN.findall(lock.read_text("utf-8")):
            installed = _installed(name, version)
            license_ = reviewed.get(f"{name}=={version}", "")
            if not license_ and installed:
                license_ = license_of(installed)
            found.append(
                Shipped(name, version, license_, place, _has_text(installed) if installed else None)
            )
    return sorted(found, key=lambda each: (each.name, each.version))


def problems(
    found: Sequence[Shipped], reviewed: Mapping[str, str], allowed: Sequence[str]
) -> Iterator[str]:
    """Yield a sentence about each license that is unknown, contradicted or not allowed."""
    for each in found:
        if not each.license:
            yield (
                f"Nobody knows the license of {each.pin}, because its metadata is unclear or it is "
                "not installed here. Read its license file, and write what it is into "
                ".ci/licenses.toml."
            )
            continue
        installed = _installed(each.name, each.version)
        said = license_of(installed) if installed else ""
        if said and said != each.license:
            yield (
                f".ci/licenses.toml says that {each.pin} is under {each.license}, and its "
                f"metadata says {said}. Correct or remove the entry."
            )
        if reason := refusal(each.license, allowed):
            yield (
                f"{each.pin} cannot be shipped: its license is {each.license}, and {reason}. Use "
                "another package, or decide in docs/decisions/ and add it to .ci/licenses.toml."
            )
    pins = {each.pin for each in found}
    for pin in sorted(reviewed.keys() - pins):
        yield f".ci/licenses.toml has {pin}, which no lock pins. Remove the entry."


def refusal(text: str, allowed: Sequence[str]) -> str:
    """Return why an expression allows no shipping, as the end of a sentence, or an empty text."""
    try:
        expression = parse_license(text)
    except LicenseUnreadable as reason:
        return f"that is no expression of SPDX: {reason}"
    if expression.unknown:
        return f"SPDX does not know {expression.unknown[0]}"
    if any({str(each) for each in choice} <= {*allowed} for choice in expression.alternatives):
        return ""
    return "no alternative of it is on the list of those that are allowed"


def license_of(installed: Distribution) -> str:
    """Return the expression that metadata says plainly, or an empty text."""
    metadata = installed.metadata
    if expression := metadata.get("License-Expression"):
        return str(expression)
    field = " ".join(str(metadata.get("License") or "").split())
    names = {_spelled(field)} if field else set[str]()
    for each in metadata.get_all("Classifier") or []:
        if str(each).startswith("License :: "):
            names.add(_spelled(str(each).rpartition(" :: ")[2]))
    # A field that is plain decides what a classifier such as "BSD License" leaves open.
    names -= UNCLEAR
    if len(names) != 1:
        return ""
    [name] = names
    return name if _is_known(name) else ""


def page(found: Sequence[Shipped], allowed: Sequence[str]) -> str:
    """Return the page with a list of these, which has one row for each name and license."""
    rows = dict[tuple[str, str, str], list[Shipped]]()
    for each in found:
        rows.setdefault((each.name, each.license, each.place), []).append(each)
    lines = [
        f"| {name} | {', '.join(each.version for each in pins)} | {license_} | {place} |"
        for (name, license_, place), pins in rows.items()
    ]
    without = sorted({each.name for each in found if each.has_text is False})
    written, heading, _ = PAGE.read_text("utf-8").partition(_HEADING)
    return (
        written
        + heading
        + _PACKAGES.format(
            rows="\n".join(lines),
            without=" and ".join(without),
            number=len(rows),
            licenses=", ".join(f"`{each}`" for each in allowed),
        )
    )


def _spelled(name: str) -> str:
    return SPELLINGS.get(name, name)


def _is_known(name: str) -> bool:
    try:
        return not parse_license(name).unknown
    except LicenseUnreadable:
        return False


def _installed(name: str, version: str) -> Distribution | None:
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return None
    return found if found.version == version else None


def _has_text(installed: Distribution) -> bool:
    return any(_TEXT.search(str(each)) for each in installed.files or [])


_PACKAGES = """\
There are {number} of them. Allowed licenses are {licenses}. No text of their license is in the
files of {without}.

| package | version | license | part of |
|---|---|---|---|
{rows}
"""

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
