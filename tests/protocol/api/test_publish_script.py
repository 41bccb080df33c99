"""A job publishes by the script that the registry hands out."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx
import pytest

from tests.protocol.device.test_login_script import oldest_python
from tests.support.archives import bala
from tests.support.served_copies import served_copy
from tests.support.storage import STORAGE
from tests.support.world import URL, Template, World


@pytest.mark.slow
async def test_the_oldest_python_that_is_promised_runs_the_script(
    world: World, tmp_path: Path
) -> None:
    script = (await world.get(f"{URL}/publish.py")).text
    (tmp_path / "core.bala").write_bytes(bala("acme/core:1.0.0"))
    done = subprocess.run(
        [oldest_python(), "-I", "-", "core.bala", "--registry", "http://packages.test"],
        input=script,
        cwd=tmp_path,
        env={"GITLAB_CI": "true", "BALLERINA_HOME_DIR": str(tmp_path), "ID_TOKEN": "", "CI": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1, done.stderr
    assert "Others could read the token" in done.stdout


@pytest.mark.slow
async def test_a_job_publishes_two_packages_by_one_call_and_again(
    template: Template, scratch: Path
) -> None:
    (scratch / "app.bala").write_bytes(bala("acme/app:1.0.0", dependencies=["acme/core:1.0.0"]))
    (scratch / "core.bala").write_bytes(bala("acme/core:1.0.0"))
    (scratch / "other.bala").write_bytes(bala("acme/core:1.0.0", readme="Another one."))
    async with served_copy(template, scratch / "data", require_dependencies=True) as (_, url):
        script = httpx.get(f"{url}/publish.py").raise_for_status().text

        def run(arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
            done = subprocess.run(
                [sys.executable, "-I", "-", *arguments],
                input=script,
                cwd=scratch,
                env={"PATH": os.environ["PATH"], **environment},
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            return done.returncode, done.stdout + done.stderr

        own = {"BALLROOM_TOKEN": template.people.ann.token, "CI": "true"}
        code, printed = run(["app.bala", "core.bala"], own)
        assert code == 0, printed
        first, second = (f"{url}/packages/acme/{each}/1.0.0" for each in ("core", "app"))
        assert printed.index(first) < printed.index(second)
        assert template.people.ann.token not in printed
        code, printed = run(["app.bala", "core.bala"], own)
        assert code == 0, printed
        assert "is published with the same files" in printed
        code, printed = run(["other.bala", "--dry-run"], own)
        assert (code, "differs from the published one in" in printed) == (1, True)
        code, printed = run(["core.bala"], {**own, "BALLROOM_TOKEN": "", "GITHUB_ACTIONS": "true"})
        assert (code, "id-token: write" in printed) == (1, True), printed
    STORAGE.forget(scratch / "data")
