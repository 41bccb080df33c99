"""PyPI 2024 and crates.io 2025: a token in a build product, session cookies in error reports.

A secret that is sent anywhere never comes out again: in no log line, no error, no answer.
"""

import subprocess
import sys
from pathlib import Path

from shared.auth.tokens import AccessToken
from tests.fakes.system import FakeRandomness
from tests.paths import ROOT

WELL_FORMED = AccessToken.mint("local", "0123456789", FakeRandomness("canary")).text.reveal()
CALLED = ("break_api", "break_central", "break_page", "token_issue", "sign_in_link_page")


SECRETS = (WELL_FORMED, "canary-that-is-no-token-0123456789")


def test_a_secret_that_is_sent_is_in_no_log_line_and_no_answer(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.security.secret_probes", str(tmp_path), *SECRETS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert ran.returncode == 0, ran.stderr
    assert all(ran.stdout.count(f"{name}: ") >= len(SECRETS) for name in CALLED)
    assert ran.stderr.count('"event":"request.broken"') == 9 * len(SECRETS)
    for secret in SECRETS:
        assert secret not in ran.stderr
        assert secret not in ran.stdout
