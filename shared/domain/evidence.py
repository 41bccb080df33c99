"""Evidence for an audit: what is in its files beside what other modules declare, and the list of
their digests, which is signed.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Self

from msgspec import Struct

from shared.domain.errors.base import Refusal
from shared.domain.licenses import LicenseUnreadable, parse_license
from shared.domain.times import parse_time, utc_text

# The list has the form of `sha256sum`, which ignores its first line. No other text that the key of
# releases signs begins like that one.
DIGESTS_FILE = "SHA256SUMS"
SIGNATURES_FILE = "signatures.json"
HEAD = "# Evidence of a Ballroom registry: "

_HEAD = re.compile(rf"{re.escape(HEAD)}(\S+) at (\S+)")
_LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9.-]+)")


class ProtectionState(Struct, frozen=True):
    """A setting that protects, and its state: its value, or `set` and `not set` for a secret."""

    variable: str
    protects: str
    state: str
    is_default: bool


class InstalledDistribution(Struct, frozen=True):
    """A distribution that is installed beside the registry; `license` is empty if it says none."""

    name: str
    version: str
    license: str = ""

    @property
    def purl(self) -> str:
        """The package URL of the component on PyPI."""
        return f"pkg:pypi/{normal_name(self.name)}@{self.version}"

    @property
    def shown_licenses(self) -> list[dict[str, object]]:
        """The license as CycloneDX has it: an expression of SPDX, or a name."""
        if not self.license:
            return []
        try:
            unknown = parse_license(self.license).unknown
        except LicenseUnreadable:
            return [{"license": {"name": self.license}}]
        return [{"license": {"name": self.license}} if unknown else {"expression": self.license}]


def normal_name(name: str) -> str:
    """Return the name of a distribution as indexes of packages compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


class DigestList(Struct, frozen=True):
    """The digests of the files of evidence, of which registry they are, and when it was made."""

    registry: str
    at_ms: int
    digests: Mapping[str, str]

    @classmethod
    def of(cls, files: Mapping[str, bytes], registry: str, at_ms: int) -> Self:
        digests = {name: sha256(content).hexdigest() for name, content in sorted(files.items())}
        return cls(registry, at_ms, digests)

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Parse the list as `text` writes it; raise `ValueError`, a part of a sentence."""
        head, *lines = content.decode("utf-8", "replace").splitlines() or [""]
        found = _HEAD.fullmatch(head)
        parsed = [_LINE.fullmatch(line) for line in lines]
        if found is None or not all(parsed):
            message = f"{DIGESTS_FILE} is no list of digests of evidence"
            raise ValueError(message)
        try:
            at_ms = parse_time("time", found[2])
        except Refusal:
            message = f"the first line of {DIGESTS_FILE} has no time"
            raise ValueError(message) from None
        return cls(found[1], at_ms, {line[2]: line[1] for line in parsed if line})

    @property
    def text(self) -> bytes:
        """The list as it is signed."""
        lines = [f"{HEAD}{self.registry} at {utc_text(self.at_ms)}"]
        lines += [f"{digest}  {name}" for name, digest in self.digests.items()]
        return "".join(f"{line}\n" for line in lines).encode()

    def differences(self, files: Mapping[str, bytes]) -> list[str]:
        """Return what differs between the list and files, a sentence for each."""
        missing = [f"{name} is missing." for name in self.digests if name not in files]
        changed = [
            f"{name} was changed."
            for name, digest in self.digests.items()
            if name in files and sha256(files[name]).hexdigest() != digest
        ]
        added = [f"{name} is not in the list." for name in files if name not in self.digests]
        return [*missing, *changed, *added]
