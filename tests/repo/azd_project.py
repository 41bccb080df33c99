"""azure.yaml, parsed for the tests that ask it."""

from typing import Any, cast

import yaml

from tests.paths import ROOT

TEXT = (ROOT / "azure.yaml").read_text("utf-8")
PROJECT = cast("dict[str, Any]", yaml.safe_load(TEXT))
