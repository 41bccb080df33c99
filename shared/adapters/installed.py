"""The distributions that are installed, with their licenses, and the versions of the rest."""

import platform
import re
import sqlite3
from collections.abc import Mapping
from importlib.metadata import PackageMetadata, distributions

from shared.domain.evidence import InstalledDistribution, normal_name
from shared.domain.software_version import SOFTWARE_VERSION
from shared.program import ROOT

_LIST = ROOT / "docs" / "run" / "third-party.md"  # It is in every installation.
_LISTED = re.compile(r"^\| ([\w.-]+) \| ([^|]+) \| ([^|]+) \|", re.MULTILINE)
_CLASSIFIER = "License :: "
_LONGEST = 100  # Characters; some distributions have the whole text in this field.


def installed_components() -> list[InstalledDistribution]:
    """Return the distributions that this interpreter finds, by name; each name once.

    Licenses are those of the list of what is shipped, where it has the version, and else what the
    distribution says.
    """
    listed = _listed_licenses()
    found: dict[str, InstalledDistribution] = {}
    for each in distributions():
        metadata = each.metadata  # Read and parsed each time that it is asked for.
        if name := metadata["Name"]:
            normal = normal_name(name)
            version = metadata["Version"]
            license_ = listed.get((normal, version)) or _license_of(metadata)
            found.setdefault(normal, InstalledDistribution(name, version, license_))
    return [found[name] for name in sorted(found)]


def running_versions() -> Mapping[str, str]:
    """Return the versions of the registry and of what it runs on."""
    return {
        "ballroom": SOFTWARE_VERSION,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": platform.platform(),
    }


def _listed_licenses() -> dict[tuple[str, str], str]:
    """Return the licenses of the list by name and version; none without the list."""
    try:
        text = _LIST.read_text("utf-8")
    except FileNotFoundError:
        return {}
    return {
        (normal_name(name), version): license_
        for name, versions, license_ in _LISTED.findall(text)
        for version in versions.split(", ")
    }


def _license_of(metadata: PackageMetadata) -> str:
    """Return an SPDX expression, or what the distribution says instead, in one line."""
    for field in ("License-Expression", "License"):
        said = metadata[field] if field in metadata else ""  # noqa: SIM401 - 3.11 has no `get`.
        if said and len(said) <= _LONGEST and "\n" not in said:
            return said
    classifiers = metadata.get_all("Classifier") or []
    named = [each.rpartition(" :: ")[2] for each in classifiers if each.startswith(_CLASSIFIER)]
    return ", ".join(named)
