"""Evidence for an audit, over each kind of stores: its files, its signature, and refusals."""

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from shared.adapters.data_folder import FolderUnusable
from shared.adapters.evidence_folder import read_folder, write_folder
from shared.auth.key_texts import text_of_setting
from shared.auth.p256 import new_private_key
from shared.auth.release_keys import ReleaseSigner
from shared.auth.secrets import Secret
from shared.domain.drills import Drill, DrillOutcome
from shared.domain.errors.base import Invalid
from shared.domain.evidence import DIGESTS_FILE, SIGNATURES_FILE, InstalledDistribution
from shared.domain.principals import OPERATOR
from shared.runtime.private_files import try_file_lock
from shared.services.administration.evidence import Evidence
from shared.settings import Settings
from tests.fakes.release_keys import RELEASE_KEYS
from tests.support.archives import bala
from tests.support.world import URL, OpenWorld, World

pytestmark = pytest.mark.measured

FILES = {
    "README.md",
    "components.cdx.json",
    "connections.json",
    "drill.json",
    "keys.json",
    "personal-data.json",
    "retention.json",
    "rights.json",
    "roles.json",
    "settings.json",
    "versions.json",
    DIGESTS_FILE,
    SIGNATURES_FILE,
}
SECRETS = {
    "smtp_password": "the-password-of-the-mail-server",
    "oidc_client_secret": "the-secret-of-the-provider",
    "metrics_token": "0123456789abcdef0123456789abcdef",
}
TOOLS = ("openssl", "sha256sum", "sed", "tr", "grep")


def service(world: World) -> Evidence:
    return world.registry.administration.evidence


def rows(files: Any, name: str) -> Any:
    return json.loads(files[name])


async def test_evidence_says_what_is_declared_and_what_is_stored(world: World) -> None:
    await world.push(bala("acme/greet:1.0.0"))
    made = await service(world).make(by=OPERATOR)
    files = made.files
    assert set(files) == FILES
    assert {"ballroom", "python", "sqlite", "system"} == set(rows(files, "versions.json"))
    components = rows(files, "components.cdx.json")["components"]
    [pydantic] = [each for each in components if each["name"] == "pydantic"]
    assert pydantic["purl"].startswith("pkg:pypi/pydantic@")
    assert pydantic["licenses"] == [{"expression": "MIT"}]
    [certifi] = [each for each in components if each["name"] == "certifi"]
    assert certifi["licenses"] == [{"expression": "MPL-2.0"}]
    [jinja] = [each for each in components if each["name"].lower() == "jinja2"]
    assert jinja["licenses"] == [{"expression": "BSD-3-Clause"}]  # Its metadata says "BSD License".
    assert InstalledDistribution("own", "1", "Commercial (c)").shown_licenses == [
        {"license": {"name": "Commercial (c)"}}
    ]
    assert InstalledDistribution("none", "1").shown_licenses == []
    assert "mail" in {each["field"] for each in rows(files, "personal-data.json")} | {"mail"}
    assert rows(files, "retention.json")["stores"]
    assert rows(files, "connections.json")[0]["sent"]
    keys = {each["key"]: each for each in rows(files, "keys.json")}
    assert keys["releases"]["made"] == "2026-09-01T00:00:00Z"
    [read] = [each for each in rows(files, "roles.json") if each["action"] == "read"]
    assert "member" in read["roles"]
    owners = [each for each in rows(files, "rights.json") if each["role"] == "owner"]
    assert {"ann", "bob"} <= {each["principal"] for each in owners}
    assert rows(files, "drill.json") is None
    drill = Drill(at_ms=made.at_ms, seconds={"restore": 1.5}, outcome=DrillOutcome.WHOLE)
    await world.registry.administration.recovery_drills.save(drill)
    drilled = rows((await service(world).make(by=OPERATOR)).files, "drill.json")
    assert (drilled["outcome"], drilled["seconds"]) == ("whole", {"restore": 1.5})
    assert f"Evidence of {URL}" in files["README.md"].decode()


async def test_settings_have_their_state_and_no_file_has_a_secret(worlds: OpenWorld) -> None:
    world = await worlds(
        mail="smtp",
        mail_from="registry@example.org",
        smtp_host="mail.example.org",
        smtp_user="registry",
        oidc_issuer="https://login.example.org",
        oidc_client_id="ballroom",
        metrics="token",
        readers="signed_in",
        **SECRETS,
    )
    made = await service(world).make(by=OPERATOR)
    states = {each["variable"]: each for each in rows(made.files, "settings.json")}
    assert states["BALLROOM_READERS"]["state"] == "signed_in"
    assert states["BALLROOM_READERS"]["is_default"] is False
    assert states["BALLROOM_METRICS_TOKEN"]["state"] == "set"
    assert states["BALLROOM_LINK_KEY"]["state"] in ("set", "not set")
    assert all(each["protects"].endswith(".") for each in states.values())
    content = b"".join(made.files.values()).decode()
    own = [world.people.ann.token, world.people.admin.token]
    stored = [
        value.get_secret_value()
        for name in Settings.model_fields
        if hasattr(value := getattr(world.registry.settings, name), "get_secret_value")
    ]
    assert len(stored) > len(SECRETS)
    for each in (*SECRETS.values(), *own, *stored):
        assert each not in content


async def test_evidence_is_whole_and_signed_or_it_is_refused(world: World) -> None:
    evidence = service(world)
    made = await evidence.make(by=OPERATOR)
    listed = await evidence.check(made.files)
    assert (listed.registry, len(listed.digests)) == (URL, len(FILES) - 2)
    files = dict(made.files)
    other = files[SIGNATURES_FILE].replace(b"SHA256:", b"SHA256:0")
    short = json.dumps([{"keyid": "k", "sig": "no base64!"}]).encode()
    head, _, rest = files[DIGESTS_FILE].partition(b"\n")
    later = head.replace(b" at 20", b" at 30") + b"\n" + rest
    for change, reason in (
        ({"rights.json": b"[]\n"}, "rights.json was changed."),
        ({"more.json": b"[]\n"}, "more.json is not in the list."),
        ({SIGNATURES_FILE: other}, "No key of this registry signed it."),
        ({SIGNATURES_FILE: b"nothing"}, "has no signature"),
        ({SIGNATURES_FILE: short}, "has no signature"),
        ({DIGESTS_FILE: b""}, "is no list of digests"),
        ({DIGESTS_FILE: head.partition(b" at ")[0] + b" at noon\n" + rest}, "has no time"),
        ({DIGESTS_FILE: later}, "The signature is not that of the list"),
    ):
        with pytest.raises(Invalid, match=reason):
            await evidence.check({**files, **change})
    del files["keys.json"]
    with pytest.raises(Invalid, match=r"keys\.json is missing"):
        await evidence.check(files)


async def test_evidence_is_verified_by_the_commands_that_are_in_it(
    world: World, tmp_path: Path
) -> None:
    missing = [each for each in TOOLS if shutil.which(each) is None]
    if missing:
        pytest.skip(f"these programs are not installed: {missing}")
    made = await service(world).make(by=OPERATOR)
    folder = tmp_path / "audit"
    write_folder(folder, made.files)
    keys = await world.get(f"{URL}/api/v1/keys")
    (tmp_path / "answer.json").write_bytes(keys.content)
    [script] = made.files["README.md"].decode().split("```sh\n")[1:]
    commands = script.partition("\n```")[0]
    offline = commands.replace(
        f"curl -fsSL -o ../keys.json {URL}/api/v1/keys", "cp ../answer.json ../keys.json"
    )
    assert offline != commands

    def verified() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-euc", offline], cwd=folder, capture_output=True, text=True, check=False
        )

    done = verified()
    assert done.returncode == 0, done.stderr
    assert "Verified OK" in done.stdout
    assert done.stdout.count(": OK") == len(FILES) - 2
    (folder / "roles.json").write_text("[]\n")
    assert verified().returncode != 0


async def test_a_folder_is_complete_or_absent(world: World, tmp_path: Path) -> None:
    made = await service(world).make(by=OPERATOR)
    target = tmp_path / "audit"
    killed = tmp_path / "audit.partial"
    killed.mkdir()
    (killed / "keys.json").write_text("[")
    write_folder(target, made.files)
    assert not killed.exists()
    assert read_folder(target) == dict(made.files)
    assert (target / "rights.json").stat().st_mode & 0o077 == 0
    with pytest.raises(FolderUnusable, match="is not empty"):
        write_folder(target, made.files)
    killed.mkdir()
    (killed / "of-somebody-else").write_text("")
    shutil.rmtree(target)
    with pytest.raises(FolderUnusable, match="is in the way"):
        write_folder(target, made.files)
    assert (killed / "of-somebody-else").exists()


def test_what_another_process_is_writing_is_left_to_it(tmp_path: Path) -> None:
    beside = tmp_path / "audit.partial"
    beside.mkdir()
    held = try_file_lock(beside / ".lock")
    assert held is not None
    with held, pytest.raises(FolderUnusable, match="Another process is at work"):
        write_folder(tmp_path / "audit", {"roles.json": b"[]"})
    assert beside.exists()
    write_folder(tmp_path / "audit", {"roles.json": b"[]"})
    assert not beside.exists()


async def test_a_write_that_fails_leaves_nothing(world: World, tmp_path: Path) -> None:
    made = await service(world).make(by=OPERATOR)
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderUnusable, match="cannot be written"):
        write_folder(tmp_path / "file" / "audit", made.files)
    with pytest.raises(FolderUnusable, match="is not empty"):
        write_folder(tmp_path / "file", made.files)
    with pytest.raises(FolderUnusable, match="cannot be written"):
        write_folder(tmp_path / "audit", {**made.files, "no/such/folder": b""})
    assert not [each for each in tmp_path.iterdir() if each.name.startswith("audit")]


def test_what_is_no_evidence_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FolderUnusable, match="cannot be read"):
        read_folder(tmp_path / "none")
    (tmp_path / "folder").mkdir()
    with pytest.raises(FolderUnusable, match="is no file of evidence"):
        read_folder(tmp_path)


async def test_evidence_of_a_key_that_had_expired_is_refused(world: World) -> None:
    evidence = service(world)
    made = await evidence.make(by=OPERATOR)
    newer = "2026-09-02T00:00:00Z private " + base64.b64encode(new_private_key()).decode()
    read = text_of_setting(Secret(f"{newer}\n{RELEASE_KEYS}"))
    later = replace(evidence, release_signer=ReleaseSigner(read, evidence.clock, lambda _: None))
    with pytest.raises(Invalid, match="had expired"):
        await later.check(made.files)


async def test_the_key_of_releases_signs_no_other_text_as_evidence(world: World) -> None:
    signer = service(world).release_signer
    with pytest.raises(ValueError, match="no list of digests"):
        signer.sign_evidence(b"acme/greet@1.0.0:sha256-")
