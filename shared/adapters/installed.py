"""The distributions that are installed, with their licenses, and the versions of the rest."""

import platform
import sqlite3
from collections.abc import Mapping
from importlib.metadata import PackageMetadata, distributions

from shared.domain.evidence import Component
from shared.domain.status import SOFTWARE_VERSION

_CLASSIFIER = "License :: "
_LONGEST = 100  # Characters; some distributions have the whole text in this field.


def installed_components() -> list[Component]:
    """Return the distributions that this interpreter finds, by name; each name once."""
    found: dict[str, Component] = {}
    for each in distributions():
        name = each.metadata["Name"]
        if name:
            component = Component(name, each.version, _license_of(each.metadata))
            found.setdefault(name.lower(), component)
    return [found[name] for name in sorted(found)]


def running_versions() -> Mapping[str, str]:
    """Return the versions of the registry and of what it runs on."""
    return {
        "ballroom": SOFTWARE_VERSION,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": platform.platform(),
    }


def _license_of(metadata: PackageMetadata) -> str:
    """Return an SPDX expression, or what the distribution says instead, in one line."""
    for field in ("License-Expression", "License"):
        said = metadata.get(field, "")
        if said and len(said) <= _LONGEST and "\n" not in said:
            return said
    classifiers = metadata.get_all("Classifier") or []
    named = [each.rpartition(" :: ")[2] for each in classifiers if each.startswith(_CLASSIFIER)]
    return ", ".join(named)
