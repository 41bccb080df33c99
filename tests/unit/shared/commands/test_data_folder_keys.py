"""`ballroom keys list` and doctor: how old the keys are, without a key."""

import json
import re
import shlex
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from shared.adapters.data_folder import DataFolder
from shared.adapters.system import SystemClock, SystemRandomness
from shared.auth.signing_keys import SigningKeyFolder
from shared.auth.webhook_keys import unwrap, wrapping_keys
from shared.domain.webhooks import WebhookKeys
from tests.fakes.release_keys import LOG_KEYS
from tests.paths import docs
from tests.support.terminal import Terminal

pytestmark = pytest.mark.measured


def certificate(file: Path, since: datetime) -> None:
    """Write a certificate that signs itself."""
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "registry.test")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(since)
        .not_valid_after(since + timedelta(days=9_000))
        .sign(key, SHA256())
    )
    file.write_bytes(made.public_bytes(Encoding.PEM))


def test_the_command_lists_keys_and_prints_none(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "chain.pem"
    certificate(file, datetime(2020, 1, 1, tzinfo=UTC))
    rows = json.loads(terminal.run("keys", "list", "--json", BALLROOM_TLS_CERT=str(file)))
    assert [each["key"] for each in rows] == [
        "links",
        "releases",
        "log",
        "witness",
        "webhooks",
        "certificate",
    ]
    assert rows[-1]["made"] == "2020-01-01 00:00Z"
    assert not any(each["is_old"] for each in rows)
    shown = terminal.run("keys", "list", BALLROOM_TLS_CERT=str(tmp_path / "none.pem"))
    texts = [each.read_text() for each in (terminal.data / "keys").iterdir()]
    keys = [word for text in texts for word in text.split() if len(word) >= 30]
    assert keys
    assert not any(key in shown for key in keys)


def test_doctor_names_keys_that_should_have_been_rotated(terminal: Terminal) -> None:
    [key] = (terminal.data / "keys").glob("*.key")
    key.rename(key.with_name("000000000001000.key"))
    file = terminal.data / "keys" / "log-keys"
    file.write_text(LOG_KEYS.replace("2026-09", "2024-09") + "\n")
    rows = json.loads(terminal.invoke("doctor", "--json").stdout)
    [found] = [each for each in rows if each["what"] == "key ages"]
    assert not found["ok"]
    assert "links 2" in found["found"]
    assert "`ballroom keys rotate`" in found["way_out"]
    assert "`ballroom log rotate-key --days 90`" in found["way_out"]
    assert "rotate-release-keys" not in found["way_out"]


def test_after_the_commands_for_a_leaked_backup_its_keys_sign_and_decrypt_nothing(
    terminal: Terminal,
) -> None:
    terminal.run("webhook", "add", "@acme", "https://hooks.example.org/x", "--event", "release")
    files = SigningKeyFolder(DataFolder(terminal.data).keys, SystemClock(), SystemRandomness())
    leaked = files.load()
    signed = private_release_keys(terminal)
    section = docs("run/backup").partition("### A backup leaked")[2].partition("\n### ")[0]
    for line in "".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL)).splitlines():
        terminal.run(*shlex.split(line, comments=True)[1:])
    assert not {each.reveal() for each in leaked.keys} & {
        each.reveal() for each in files.load().keys
    }
    assert not signed & private_release_keys(terminal)
    with closing(sqlite3.connect(DataFolder(terminal.data).database)) as records:
        [[body]] = records.execute("SELECT body FROM entities WHERE kind = ?", [WebhookKeys.kind])
    newest, *_ = WebhookKeys.model_validate_json(body).keys
    assert unwrap(newest, wrapping_keys(leaked)) is None
    assert unwrap(newest, wrapping_keys(files.load())) is not None


def private_release_keys(terminal: Terminal) -> set[str]:
    lines = (terminal.data / "keys" / "release-keys").read_text().splitlines()
    return {line.split()[2] for line in lines if line.split()[1] == "private"}
