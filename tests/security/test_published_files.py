"""Row 15, PyPI 2024: an administrator's token in a compiled file of a published image.

Everything that images, wheels and deployments are made of is searched. The image itself is searched
by `tests/packaging/test_image.py`.
"""

import py_compile
import subprocess
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.support.secret_scan import secrets_in

# The page that shows the form of a token has one that never existed.
EXAMPLES = {"docs/use/tokens.md holds what looks like a token of a registry"}
PUBLISHED = ("functions", "shared", "infra", "packaging", "docs", "function_app.py", "host.json")


def test_no_published_file_holds_a_secret() -> None:
    command = ["git", "ls-files", "-z", "--", *PUBLISHED]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    files = [ROOT / each for each in listed.decode().split("\0") if each]
    assert len(files) > 1_000
    assert {*secrets_in(ROOT, files)} <= EXAMPLES


@pytest.mark.parametrize(
    "secret",
    ["blr_live_" + "a1B2" * 12, "ghp_" + "a1B2" * 9, "AKIA" + "A1B2" * 4, "glpat-" + "a1B2" * 5],
)
def test_a_secret_in_a_compiled_file_is_found(tmp_path: Path, secret: str) -> None:
    source = tmp_path / "build.py"
    source.write_text(f"TOKEN = {secret!r}\n")
    compiled = tmp_path / "build.pyc"
    py_compile.compile(str(source), str(compiled))
    assert len(list(secrets_in(tmp_path, [compiled]))) == 1


def test_files_for_secrets_are_found_by_their_names(tmp_path: Path) -> None:
    names = (".env", "keys/id_rsa", "tls.key", "certificate.pem")
    files = [tmp_path / each for each in names]
    assert len(list(secrets_in(tmp_path, files))) == len(names)
