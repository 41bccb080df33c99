"""azure.yaml, parsed for the tests that ask it."""

import re
from typing import Any, cast

from tests.paths import ROOT
from tests.support.workflow_yaml import read_workflow

TEXT = (ROOT / "azure.yaml").read_text("utf-8")
PROJECT = cast("dict[str, Any]", read_workflow(re.sub(r"^ *#.*\n", "", TEXT, flags=re.MULTILINE)))
