"""A build asks what became of the versions that it uses: by the API, and by the script."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.domain.coordinates import Coordinate
from shared.domain.principals import OPERATOR
from shared.domain.withdrawal_reasons import PublicReason, WithdrawalReason
from tests.paths import ROOT
from tests.protocol.bal.okhttp import FORM, multipart
from tests.support.archives import bala
from tests.support.documented_packages import LISTENER, documented_bala, published
from tests.support.served_copies import served_copy
from tests.support.storage import STORAGE
from tests.support.world import URL, Person, Template, World

CHECK = f"{URL}/api/v1/check"


def locked(*names: str) -> str:
    """Return the text of a Dependencies.toml with these releases of acme."""
    tables = (each.split(":") for each in names)
    return "".join(
        f'[[package]]\norg = "acme"\nname = "{name}"\nversion = "{version}"\n'
        for name, version in tables
    )


async def checked(world: World, text: str, by: Person | None = None) -> list[dict[str, Any]]:
    answer = await world.send("POST", CHECK, by=by, json={"dependencies": text})
    assert answer.status_code == 200, answer.text
    assert answer.json()["nextOffset"] is None
    return answer.json()["packages"]


async def test_each_version_has_its_most_severe_state_and_what_to_use(world: World) -> None:
    first = documented_bala()
    second = documented_bala("acme/greet:2.0.0", {"l.bal": LISTENER})
    others = [bala(f"acme/{name}:1.0.0") for name in ("old", "bad", "current")]
    await published(world, first, second, *others)
    await world.java(world.people.ann).deprecate("acme/old:1.0.0", "Use acme/new.")
    public = PublicReason(why=WithdrawalReason.MALWARE, note="It reads keys.")
    bad = Coordinate.parse("acme", "bad", "1.0.0")
    await world.registry.publishing.moderation.remove(bad, "Internal.", public, by=OPERATOR)
    text = locked("greet:1.0.0", "old:1.0.0", "bad:1.0.0", "current:1.0.0", "none:1.0.0")
    rows = {each["name"]: each for each in await checked(world, text)}
    assert {name: each["state"] for name, each in rows.items()} == {
        "greet": "newer",
        "old": "deprecated",
        "bad": "withdrawn",
        "current": "current",
        "none": "missing",
    }
    assert rows["greet"]["newest"] == "2.0.0"
    assert rows["greet"]["breakingVersions"] == ["2.0.0"]
    changes = f"{URL}/packages/acme/greet/2.0.0/changes?from=1.0.0"
    assert rows["greet"]["changesUrl"] == changes
    assert (await world.get(changes)).status_code == 200
    assert rows["old"]["deprecation"] == "Use acme/new."
    withdrawal = rows["bad"]["withdrawal"]
    assert withdrawal.pop("at")
    assert withdrawal == {"reason": "malware", "note": "It reads keys.", "permanent": True}
    assert rows["current"]["newest"] is None


async def test_a_ballerina_toml_names_versions_as_well(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    text = '[package]\norg = "acme"\nname = "app"\nversion = "0.1.0"\n\n'
    text += '[[dependency]]\norg = "acme"\nname = "greet"\nversion = "1.0.0"\n'
    [found] = await checked(world, text)
    assert (found["name"], found["state"]) == ("greet", "current")


async def test_a_private_package_is_missing_for_those_who_may_not_see_it(world: World) -> None:
    await world.push(bala("acme/secret:1.0.0", visibility="private"))
    people = world.people
    for by, state in ((None, "missing"), (people.bob, "missing"), (people.mia, "current")):
        [found] = await checked(world, locked("secret:1.0.0", "secret:1.0.0"), by)
        assert found["state"] == state


async def test_a_long_file_is_checked_in_pages(world: World) -> None:
    text = locked(*(f"p{number}:1.0.0" for number in range(41)))
    sent = {"dependencies": text}
    first = (await world.send("POST", CHECK, json=sent)).json()
    assert (len(first["packages"]), first["nextOffset"]) == (40, 40)
    second = (await world.send("POST", CHECK, json={**sent, "offset": 40})).json()
    assert ([each["name"] for each in second["packages"]], second["nextOffset"]) == (["p40"], None)


@pytest.mark.parametrize("text", ["[[package", "[[package]]\norg='?'\nversion='1.0.0'"])
async def test_what_is_no_list_of_dependencies_is_refused(world: World, text: str) -> None:
    answer = await world.send("POST", CHECK, json={"dependencies": text})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


# --- Renovate ----------------------------------------------------------------------------------


async def test_the_index_is_text_for_tools_that_take_nothing_else(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    await world.push(bala("acme/secret:1.0.0", visibility="private"))
    text = await world.get(f"{URL}/index/acme/greet/index.txt", headers={"Accept": "text/plain"})
    assert text.headers["content-type"].startswith("text/plain")
    assert text.content == (await world.get(f"{URL}/index/acme/greet/index.json")).content
    hidden = await world.get(f"{URL}/index/acme/secret/index.txt")
    assert hidden.status_code == 404


def test_the_settings_of_renovate_find_the_versions_of_a_ballerina_toml() -> None:
    page = (ROOT / "docs/use/dependency-updates.md").read_text()
    settings = json.loads(page.split("```json\n")[1].split("```")[0])
    assert settings["customDatasources"]["ballroom"]["defaultRegistryUrlTemplate"].endswith(
        "/index/{{{packageName}}}/index.txt"
    )
    [pattern] = settings["customManagers"][0]["matchStrings"]
    text = '[package]\norg = "a"\n\n[[dependency]]\norg = "acme"\nname = "greet"\nversion = "1.0.0"'
    found = re.search(pattern.replace("(?<", "(?P<"), text)
    assert found is not None
    assert found.groupdict() == {"org": "acme", "name": "greet", "currentValue": "1.0.0"}


# --- The script --------------------------------------------------------------------------------


@pytest.mark.slow
async def test_a_job_runs_the_script_beside_its_package(template: Template, scratch: Path) -> None:
    project = scratch / "project"
    project.mkdir()
    (project / "Ballerina.toml").write_text('[package]\norg = "acme"\nname = "app"\n')
    (project / "Dependencies.toml").write_text(locked("greet:1.0.0", "app:0.1.0"))
    async with served_copy(template, scratch / "data") as (_, url):
        headers = {**FORM, "Authorization": f"Bearer {template.people.ann.token}"}
        for version in ("1.0.0", "1.1.0"):
            httpx.post(
                f"{url}/2.0/registry/packages",
                content=multipart("x.bala", bala(f"acme/greet:{version}", visibility="private")),
                headers=headers,
            ).raise_for_status()
        script = httpx.get(f"{url}/outdated.py").raise_for_status().text

        def run(command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
            done = subprocess.run(
                [sys.executable, *command],
                input=script,
                cwd=project,
                env=dict(environment),
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            return done.returncode, done.stdout + done.stderr

        own = {"BALLROOM_TOKEN": template.people.ann.token}
        assert run(["-I", "-"], own) == (
            1,
            "acme/greet:1.0.0  newest is 1.1.0\n1 version checked, 1 of them needs a look.\n",
        )
        assert run(["-I", "-", "--fail-on", "deprecated"], own)[0] == 0
        code, printed = run(["-I", "-", "--format", "sarif", "--fail-on", "never"], own)
        [result] = json.loads(printed)["runs"][0]["results"]
        assert (code, result["ruleId"], result["level"]) == (0, "newer", "note")
        at = result["locations"][0]["physicalLocation"]
        assert at == {"artifactLocation": {"uri": "Dependencies.toml"}, "region": {"startLine": 1}}
        assert "not in this registry" in run(["-I", "-"], {})[1]
        code, printed = run(["-I", "-", "nothing.toml"], {})
        assert (code, printed) == (
            2,
            "nothing.toml cannot be read. Name the Ballerina.toml of a package.\n",
        )
    STORAGE.forget(scratch / "data")
