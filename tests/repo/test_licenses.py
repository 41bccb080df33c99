"""Each license of what is shipped is known and allowed, and the page lists it."""

import importlib.util
import subprocess
import sys
from email.message import Message
from types import ModuleType
from typing import Any

import pytest

from tests.paths import ROOT

ALLOWED = ("Apache-2.0", "BSD-3-Clause", "MIT", "MPL-2.0")


def licenses() -> ModuleType:
    spec = importlib.util.spec_from_file_location("licenses", ROOT / ".ci" / "licenses.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # Dataclasses look for their module.
    spec.loader.exec_module(module)
    return module


def test_everything_that_is_shipped_has_an_allowed_license_and_is_listed() -> None:
    command = [sys.executable, ".ci/licenses.py", "check"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(
    "expression",
    [
        "MIT",
        "mit",
        "Apache-2.0 AND MIT",
        "GPL-3.0-only OR MIT",
        "MPL-2.0 AND (GPL-2.0-only OR MIT)",
    ],
)
def test_an_expression_is_allowed_if_an_alternative_of_it_is(expression: str) -> None:
    assert licenses().refusal(expression, ALLOWED) == ""


@pytest.mark.parametrize(
    "expression",
    [
        "GPL-3.0-only",
        "GPL-2.0-or-later WITH Classpath-exception-2.0",
        "AGPL-3.0-or-later",
        "LGPL-2.1-or-later",
        "MIT AND LGPL-3.0-only",
        "LicenseRef-Proprietary",
        "Custom",
        "BSD License",
        "",
    ],
)
def test_an_expression_with_anything_else_is_refused(expression: str) -> None:
    assert licenses().refusal(expression, ALLOWED)


class Installed:
    """A distribution with this metadata."""

    def __init__(self, **fields: str | list[str]) -> None:
        self.metadata = Message()
        for name, value in fields.items():
            for each in [value] if isinstance(value, str) else value:
                self.metadata[name.replace("_", "-")] = each


OSI = "License :: OSI Approved"


@pytest.mark.parametrize(
    ("installed", "license_"),
    [
        (Installed(License_Expression="Apache-2.0 OR MIT", License="MIT"), "Apache-2.0 OR MIT"),
        (Installed(License="MIT License", Classifier=f"{OSI} :: MIT License"), "MIT"),
        (Installed(License="BSD-3-Clause", Classifier=f"{OSI} :: BSD License"), "BSD-3-Clause"),
        (Installed(Classifier=[OSI, f"{OSI} :: MIT License"]), "MIT"),
        (Installed(License="Apache 2.0"), "Apache-2.0"),
        # Not plain: somebody has to read the license file.
        (Installed(), ""),
        (Installed(License="UNKNOWN"), ""),
        (Installed(Classifier=f"{OSI} :: BSD License"), ""),
        (Installed(License="MIT", Classifier=f"{OSI} :: Apache Software License"), ""),
        (Installed(License="Redistribution and use in source and binary forms"), ""),
    ],
)
def test_metadata_decides_where_it_is_plain(installed: Any, license_: str) -> None:
    assert licenses().license_of(installed) == license_


def test_what_is_unknown_contradicted_refused_or_left_over_is_named() -> None:
    module = licenses()
    unknown = module.Shipped("left-pad", "1.0", "", "every installation", None)
    refused = module.Shipped("readline", "2.0", "GPL-3.0-only", "every installation", None)
    [installed] = [each for each in module.shipped({}) if each.name == "click"]
    contradicted = module.Shipped("click", installed.version, "MIT", "every installation", True)
    found = [unknown, refused, contradicted]
    sentences = [*module.problems(found, {"gone==1.0": "MIT"}, ALLOWED)]
    assert [each.partition(",")[0].partition(":")[0] for each in sentences] == [
        "Nobody knows the license of left-pad==1.0",
        "readline==2.0 cannot be shipped",
        f".ci/licenses.toml says that click=={installed.version} is under MIT",
        ".ci/licenses.toml has gone==1.0",
    ]


def test_the_check_of_everything_runs_the_gate() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert '"python .ci/licenses.py check"' in makefile
