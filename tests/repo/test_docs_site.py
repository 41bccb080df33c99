"""The documentation as a static site lists every page, and can be built."""

import subprocess
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.repo.tool_environments import BOUND_SECONDS, folder, unavailable


@pytest.mark.slow
@pytest.mark.timeout(2 * BOUND_SECONDS)
def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    if reason := unavailable("docs", "packaging/docs/requirements.txt"):
        pytest.skip(reason)
    site = tmp_path / "site"
    command = [f"{folder('docs')}/bin/mkdocs", "build", "--strict", "--quiet"]
    command += ["--config-file", "packaging/docs/mkdocs.yml", "--site-dir", str(site)]
    built = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    assert "run/index.html" in (site / "index.html").read_text()
    assert 'src="https://' not in (site / "run" / "self-hosting.html").read_text()
