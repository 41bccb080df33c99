"""Events are JSON lines of at least the level that was asked for last."""

import json
import subprocess
import sys

from tests.paths import ROOT

SPEAK = """
from shared.log import configure, log
configure("error")
log.warning("unheard")
configure("warning")
log.info("unheard")
log.warning("heard", package="acme/greet")
try:
    raise ValueError("told")
except ValueError:
    log.exception("broken")
"""


def test_the_level_can_be_changed_after_the_first_event() -> None:
    spoken = subprocess.run(
        [sys.executable, "-c", SPEAK], cwd=ROOT, capture_output=True, check=True, timeout=60
    )
    heard, broken = (json.loads(line) for line in spoken.stderr.splitlines())
    assert (heard["event"], heard["level"], heard["package"]) == ("heard", "warning", "acme/greet")
    assert broken["exception"][0]["exc_value"] == "told"
