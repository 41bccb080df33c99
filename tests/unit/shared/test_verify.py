"""`verify.py`: what a stranger finds out about a log, its releases, and a registry that lies."""

import base64
import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from click.testing import CliRunner

from shared import script_client, verify
from shared.cli import cli
from shared.verification import registry_client, signed_notes
from shared.verify import VerifyOptions, main, run
from tests.support.archives import bala
from tests.support.log_files import (
    LOG,
    ORIGIN,
    LogTreeFiles,
    ServedLog,
    Signer,
    commitment,
    leaf,
    release_leaf,
    serving,
)

ENTRIES = 600  # Two full tiles, and a part of a third.
GREET = 300  # Where acme/greet:1.0.0 is in the log.
SECRET = 301  # Where acme/secret:1.0.0 is, which is private.
SALT = b"t" * 32


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


ARCHIVE = bala("acme/greet:1.0.0")
HIDDEN = bala("acme/secret:1.0.0")


def entries(count: int = ENTRIES, archive: bytes = ARCHIVE) -> list[bytes]:
    """Return the entries of a log: releases of others, one of acme, and one that is private."""
    found = [release_leaf(n, f"other/p{n}:1.0.0", sha256(b"%d" % n)) for n in range(count)]
    found[GREET] = release_leaf(GREET, "acme/greet:1.0.0", sha256(archive))
    opening = release_leaf(SECRET, "acme/secret:1.0.0", sha256(HIDDEN))
    found[SECRET] = commitment(SECRET, SALT, opening)
    return found


@pytest.fixture(scope="module")
def tree() -> LogTreeFiles:
    return LogTreeFiles(entries())


@dataclass
class Client:
    """Somebody with the program, a folder and a state file."""

    folder: Path
    site: ServedLog
    url: str
    environment: dict[str, str] = field(default_factory=dict[str, str])
    capsys: pytest.CaptureFixture[str] | None = None

    def run(self, *files: str, **options: object) -> tuple[int, str]:
        """Return the exit code and what was printed."""
        printed: list[str] = []
        options = {"state": str(self.folder / "state.json"), **options}
        asked = VerifyOptions(self.url, files=files, **options)  # type: ignore[arg-type]
        code = run(asked, self.environment, printed.append)
        if self.capsys:
            printed.append(self.capsys.readouterr().err)
        return code, "\n".join(printed)

    def refused(self, *files: str, **options: object) -> str:
        """Return what differs, which is printed first."""
        options = {"keys": [LOG.vkey], **options}
        code, printed = self.run(*files, **options)
        assert code == 1, printed
        return printed.split("\n")[0]

    def file(self, name: str, content: bytes = ARCHIVE) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return str(path)


@pytest.fixture
def site(tree: LogTreeFiles) -> ServedLog:
    return ServedLog(tree, ENTRIES)


@pytest.fixture
def client(
    site: ServedLog,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Client]:
    monkeypatch.setattr(script_client, "FIRST_PAUSE_S", 0.0)
    monkeypatch.setattr(verify, "CACHED_S", 0.0)
    monkeypatch.setattr(registry_client, "TIMEOUT_S", 5.0)
    with serving(site) as url:
        environment = {"BALLERINA_HOME_DIR": str(tmp_path / "home"), "CI": "true"}
        yield Client(tmp_path, site, url, environment, capsys)


def send(request: BaseHTTPRequestHandler, content: bytes) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    request.wfile.write(content)


# --- What verifies ------------------------------------------------------------------------------


def test_the_key_is_enough_to_verify_the_whole_log(client: Client) -> None:
    code, printed = client.run(keys=[LOG.vkey])
    assert code == 0, printed
    assert "600 entries in 4 tiles, with 599 releases; 1 entries are not public." in printed


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512])
def test_a_log_of_every_shape_verifies(client: Client, size: int) -> None:
    client.site.files.clear()
    client.site.publish(size)
    code, printed = client.run(keys=[LOG.vkey])
    assert code == 0, printed
    assert f"All of it verifies: {size:,} entries" in printed


@pytest.mark.slow  # 66,000 entries.
def test_a_log_with_three_levels_of_tiles_verifies(client: Client) -> None:
    many = [leaf(n, kind="package.deprecated", package="a/b") for n in range(66_000)]
    client.site.tree = LogTreeFiles(many)
    client.site.publish(66_000)
    code, printed = client.run(keys=[LOG.vkey])
    assert code == 0, printed
    assert "66,000 entries in 261 tiles" in printed


def test_without_a_key_that_of_the_registry_is_taken_and_kept(client: Client) -> None:
    code, printed = client.run()
    assert code == 0, printed
    assert f"The key {LOG.vkey} is of the registry itself, and is trusted from now on." in printed
    other = Signer(ORIGIN, seed=b"o" * 32)
    client.site.signers = (other,)
    client.site.policy = f"log {other.vkey}\nquorum none\n"
    client.site.publish(ENTRIES)
    refused = client.refused(keys=[])
    assert refused.startswith(f"checkpoint: No signature is of the key {LOG.vkey}. If the operator")


def test_a_log_that_grew_continues_the_one_that_was_kept(client: Client) -> None:
    for size in (200, 300, 513, 600):
        client.site.publish(size)
        code, printed = client.run()
        assert code == 0, printed
    kept = json.loads((client.folder / "state.json").read_text())
    assert kept["logs"][client.url]["checkpoint"] == client.site.checkpoint(600).decode()


def test_parts_of_tiles_that_are_gone_are_read_from_full_ones(client: Client) -> None:
    client.site.publish(520)
    client.site.files["log/checkpoint"] = client.site.checkpoint(500)
    whole = dict(client.site.tree.tiles(512))
    for folder in ("tile/0", "tile/entries"):
        client.site.files[f"log/{folder}/001"] = whole[f"{folder}/001"]
    code, printed = client.run(keys=[LOG.vkey])
    # The tree of 500 entries has one hash on its second level.
    assert code == 1
    assert "tile/1/000.p/1" in printed
    client.site.files["log/tile/1/000.p/1"] = client.site.files["log/tile/1/000.p/2"][:32]
    assert client.run(keys=[LOG.vkey])[0] == 0


def test_the_archives_of_a_folder_and_the_lines_of_a_file_verify(client: Client) -> None:
    client.file("bala/deep/greet.bala")
    locked = "".join(
        f'[[package]]\norg = "{org}"\nname = "{name}"\nversion = "1.0.0"\n\n'
        for org, name in (("acme", "greet"), ("other", "p7"), ("acme", "app"), ("ballerina", "io"))
    )
    lock = client.file("app/Dependencies.toml", locked.encode())
    client.file("app/Ballerina.toml", b'[package]\norg = "acme"\nname = "app"\n')
    client.site.sign("acme/greet:1.0.0", sha256(ARCHIVE))
    code, printed = client.run(str(client.folder / "bala"), lock, only=["acme", "other"])
    assert code == 0, printed
    summary = "3 releases: 3 are in the log as they are here, 1 are signed, 1 have no signature"
    assert summary in printed
    assert client.refused(lock) == f"ballerina/io:1.0.0 ({lock}, line 16): it is not in the log."


def test_an_archive_of_the_go_toolchain_is_of_the_package_that_it_names(client: Client) -> None:
    archive = bala("acme/greet:1.0.0", layout=4, dependencies=["acme/core:1.0.0"])
    file = client.file("greet.bala", archive)
    assert client.refused(file).startswith(
        f"acme/greet:1.0.0 ({file}): the archive has sha256:{sha256(archive)}, and the log has "
    )


def test_what_was_read_is_not_asked_for_again(client: Client) -> None:
    many = [leaf(n, kind="package.deprecated", package="a/b") for n in range(600)]
    client.site.tree = LogTreeFiles(many)
    client.site.publish(600)
    assert client.run(client.file("greet.bala"))[0] == 1
    asked = [path for path, _ in client.site.requests]
    assert asked.count("log/policy") == 1
    assert asked.count("api/v1/log/proof/acme/greet/1.0.0") == 1


def test_one_release_is_verified_by_its_proof_and_few_files(client: Client) -> None:
    many = [
        *entries(),
        *(leaf(n, kind="package.deprecated", package="a/b") for n in range(600, 2000)),
    ]
    client.site.tree = LogTreeFiles(many)
    client.site.publish(2000)
    client.site.prove("acme/greet:1.0.0", GREET, 512)
    file = client.file("greet.bala")
    code, printed = client.run(file, keys=[LOG.vkey])
    assert code == 0, printed
    read = [path for path, _ in client.site.requests if "entries" in path]
    assert read == ["log/tile/entries/001"]


def test_a_private_release_is_verified_by_who_may_see_it(client: Client) -> None:
    file = client.file("secret.bala", HIDDEN)
    hidden = client.refused(file)
    assert hidden == f"acme/secret:1.0.0 ({file}): it is not in the log."
    client.site.prove("acme/secret:1.0.0", SECRET, 512)
    opening = release_leaf(SECRET, "acme/secret:1.0.0", sha256(HIDDEN)).decode()
    salt = "dHR0dHR0dHR0dHR0dHR0dHR0dHR0dHR0dHR0dHR0dHQ="
    opened = {"salt": salt, "leaf": opening}
    client.site.files[f"api/v1/log/openings/{SECRET}"] = json.dumps(opened).encode()
    code, printed = client.run(file, keys=[LOG.vkey], token="blr_token")
    assert code == 0, printed
    assert {each["Authorization"] for path, each in client.site.requests if "openings" in path} == {
        "Bearer blr_token"
    }
    opened["leaf"] = opening.replace('"size":1', '"size":2')
    client.site.files[f"api/v1/log/openings/{SECRET}"] = json.dumps(opened).encode()
    assert "its opening is another one than the log commits to" in client.refused(file)


def test_a_withdrawn_release_is_named(client: Client) -> None:
    found = entries()
    about = {"package": "acme/greet", "version": "1.0.0"}
    found[400] = leaf(400, kind="release.withdrawn", reason="malware", final=True, **about)
    client.site.tree = LogTreeFiles(found)
    client.site.publish(ENTRIES)
    code, printed = client.run(client.file("greet.bala"), keys=[LOG.vkey])
    assert code == 0, printed
    assert "acme/greet:1.0.0: withdrawn by the entry 400 (malware)." in printed


# --- What does not ------------------------------------------------------------------------------


def changed(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.mark.parametrize(
    ("path", "at", "named"),
    [
        ("tile/0/000", 4_000, "tile/0/000: the byte 4000, in the hash of place 125, is"),
        ("tile/0/001", 0, "tile/0/001: the byte 0, in the hash of place 0, is"),
        ("tile/0/002.p/88", 40, "tile/0/002.p/88: the byte 40, in the hash of place 1, is"),
        ("tile/1/000.p/2", 32, "tile/1/000.p/2: the byte 32, in the hash of place 1, is"),
        ("tile/entries/001", 400, "tile/entries/001: the byte 400, in the entry 257, is another"),
        ("tile/entries/002.p/88", 30, "tile/entries/002.p/88: the byte 30, in the entry 512, is"),
    ],
)
def test_one_byte_that_was_changed_is_named(client: Client, path: str, at: int, named: str) -> None:
    own = client.site.files
    own[f"log/{path}"] = changed(own[f"log/{path}"], at)
    assert client.refused().startswith(named)


def test_an_entry_with_more_changes_is_named(client: Client) -> None:
    path = "log/tile/entries/001"
    client.site.files[path] = client.site.files[path].replace(b"other/p258", b"evil1/q258")
    assert client.refused().startswith("tile/entries/001: the entry 258 (bytes 454 to 680) is")


@pytest.mark.parametrize("path", ["tile/0/000", "tile/0/002.p/88", "tile/1/000.p/2"])
def test_a_tile_that_is_cut_swapped_or_gone_is_named(client: Client, path: str) -> None:
    own = client.site.files
    whole = own[f"log/{path}"]
    own[f"log/{path}"] = whole[:-1]
    assert client.refused() == f"{path}: it has {len(whole) - 1} bytes, and not {len(whole)}."
    own[f"log/{path}"] = whole[32:] + whole[:32]
    assert client.refused().startswith(f"{path}: the byte ")
    del own[f"log/{path}"]
    assert client.refused().startswith(f"{path}: the log has no such file")


@pytest.mark.parametrize("path", ["tile/entries/001", "tile/entries/002.p/88"])
def test_a_bundle_that_is_cut_longer_or_gone_is_named(client: Client, path: str) -> None:
    own = client.site.files
    whole = own[f"log/{path}"]
    for other in (whole[:-1], whole[:-300], whole + b"\0\0", whole + b"\0"):
        own[f"log/{path}"] = other
        assert client.refused().startswith(f"{path}: it is cut, or has more than its")
    del own[f"log/{path}"]
    assert client.refused().startswith(f"{path}: the log has no such file")


def test_two_tiles_that_were_exchanged_are_named(client: Client) -> None:
    own = client.site.files
    for folder in ("tile/0", "tile/entries"):
        first = f"log/{folder}/000"
        second = f"log/{folder}/001"
        own[first], own[second] = own[second], own[first]
    refused = client.refused()
    assert refused == "tile/0/000: its hash is another one than tile/1/000 has at place 0."


def test_another_root_than_that_of_the_tiles_is_named(client: Client) -> None:
    other = ServedLog(LogTreeFiles([*entries()[:-1], leaf(599, kind="x")]), ENTRIES)
    client.site.files["log/checkpoint"] = other.files["log/checkpoint"]
    assert client.refused() == "checkpoint: its root is another one than the tiles give."


def test_a_size_beyond_all_memory_is_refused_by_the_first_file_that_is_missing(
    client: Client,
) -> None:
    """One tile gives the root of a log of 2^62 entries."""
    size = 1 << 62
    tile = LogTreeFiles([b"%d" % n for n in range(64)])
    hashes = dict(tile.tiles(64))["tile/0/000.p/64"]
    text = f"{ORIGIN}\n{size}\n{base64.b64encode(tile.root(64)).decode()}\n"
    client.site.files = {
        "log/policy": client.site.files["log/policy"],
        "log/checkpoint": f"{text}\n{LOG.line(text)}".encode(),
        "log/tile/7/000.p/64": hashes,
    }
    assert client.refused().startswith("tile/6/000: the log has no such file")
    refused = client.refused(client.file("greet.bala"))
    assert refused.startswith("tile/entries/000: the log has no such file")


def test_a_size_that_goes_back_is_refused_and_both_checkpoints_are_kept(client: Client) -> None:
    assert client.run()[0] == 0
    client.site.publish(599)
    refused = client.refused()
    assert refused.startswith("checkpoint: its size went back from 600 to 599. ")
    state = client.folder / "state.json"
    assert client.site.checkpoint(599) == Path(f"{state}.differs").read_bytes()
    assert "\\n600\\n" in state.read_text()


def test_an_older_checkpoint_of_a_cache_is_asked_for_again(client: Client) -> None:
    assert client.run()[0] == 0
    answered: list[int] = []

    def cached(request: BaseHTTPRequestHandler) -> None:
        answered.append(1)
        send(request, client.site.checkpoint(599 if len(answered) == 1 else 600))

    client.site.answers["log/checkpoint"] = cached
    code, printed = client.run()
    assert (code, len(answered)) == (0, 2), printed


def test_a_proof_in_a_newer_checkpoint_than_was_read_verifies(client: Client) -> None:
    many = [leaf(n, kind="package.deprecated", package="a/b") for n in range(1500)]
    many[1400] = release_leaf(1400, "acme/greet:1.0.0", sha256(ARCHIVE))
    client.site.tree = LogTreeFiles(many)
    client.site.publish(1500)
    client.site.prove("acme/greet:1.0.0", 1400, 1500)
    newest = client.site.files["log/checkpoint"]
    answered: list[int] = []

    def growing(request: BaseHTTPRequestHandler) -> None:
        answered.append(1)
        send(request, client.site.checkpoint(1_024) if len(answered) == 1 else newest)

    client.site.files["log/tile/1/000.p/4"] = client.site.files["log/tile/1/000.p/5"][:128]
    client.site.answers["log/checkpoint"] = growing
    file = client.file("greet.bala")
    code, printed = client.run(file, file, keys=[LOG.vkey])
    assert (code, len(answered)) == (0, 2), printed


def test_another_history_is_refused(client: Client) -> None:
    client.site.publish(590)
    assert client.run()[0] == 0
    client.site.tree = LogTreeFiles(entries(archive=b"another"))
    client.site.publish(590)
    assert "there are two logs of 590 entries with different roots" in client.refused()
    client.site.publish(600)
    assert "its first 590 entries are other ones" in client.refused()


def test_another_origin_is_refused(client: Client) -> None:
    other = Signer("evil.example/log")
    client.site.origin = other.name
    client.site.signers = (other,)
    client.site.publish(ENTRIES)
    assert client.refused() == (
        f"checkpoint: The origin evil.example/log is another one than {ORIGIN}."
    )


def test_a_log_that_began_again_under_another_origin_is_refused(client: Client) -> None:
    assert client.run()[0] == 0
    second = Signer(f"{ORIGIN}2")
    client.site.origin = second.name
    client.site.signers = (second,)
    client.site.publish(ENTRIES)
    refused = client.refused(keys=[second.vkey])
    assert refused.startswith(f"checkpoint: its origin is {ORIGIN}2, and was {ORIGIN}. ")


def test_a_signature_that_is_wrong_is_refused(client: Client) -> None:
    note = client.site.checkpoint(ENTRIES)
    client.site.files["log/checkpoint"] = note.replace(b"\n600\n", b"\n599\n")
    assert client.refused().startswith(f"checkpoint: The signature of {ORIGIN} does not verify")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\n\n",
        b"a\n1\n\n",
        f"{ORIGIN}\n600\nAAAA\n\n\u2014 x AAAAAAA=\n".encode(),
        f"{ORIGIN}\n0600\n{'A' * 43}=\n\n\u2014 x AAAAAAA=\n".encode(),
        f"{ORIGIN}\n600\n{'A' * 43}=\n\n- x AAAAAAA=\n".encode(),
        f"{ORIGIN}\r\n600\n{'A' * 43}=\n\n\u2014 x AAAAAAA=\n".encode(),
        f"{ORIGIN}\n600\n{'A' * 43}=\n\n\u2014 x AAAAAAB=\n".encode(),
    ],
)
def test_what_is_no_checkpoint_is_refused(client: Client, content: bytes) -> None:
    client.site.files["log/checkpoint"] = content
    assert client.refused().startswith("checkpoint: ")


def test_an_archive_that_was_changed_is_named(client: Client) -> None:
    evil = bala("acme/greet:1.0.0", readme="evil")
    file = client.file("greet.bala", evil)
    assert client.refused(file) == (
        f"acme/greet:1.0.0 ({file}): the archive has sha256:{sha256(evil)}, and the log has "
        f"sha256:{sha256(ARCHIVE)} in the entry {GREET}."
    )
    file = client.file("greet.bala", ARCHIVE[:-40])
    assert client.refused(file) == f"{file}: it is no archive of a package, or was changed."


def test_an_archive_that_cannot_be_read_cannot_be_asked(client: Client) -> None:
    (client.folder / "balas" / "x.bala").mkdir(parents=True)
    code, printed = client.run(str(client.folder / "balas"), keys=[LOG.vkey])
    assert code == 2
    assert f"{client.folder / 'balas' / 'x.bala'} cannot be read: Is a directory." in printed


def test_each_archive_that_differs_is_named_before_the_rest(client: Client) -> None:
    client.file("balas/greet.bala")
    for name in ("a", "b"):
        client.file(f"balas/{name}.bala", bala(f"acme/{name}:1.0.0"))
    _, printed = client.run(str(client.folder / "balas"), keys=[LOG.vkey])
    first, second, *_ = printed.split("\n")
    assert (first[:12], second[:12]) == ("acme/a:1.0.0", "acme/b:1.0.0")
    assert "3 releases: 1 are in the log as they are here" in printed


def test_a_release_with_two_digests_is_refused(client: Client) -> None:
    found = entries()
    found[500] = release_leaf(500, "acme/greet:1.0.0", sha256(b"another"))
    client.site.tree = LogTreeFiles(found)
    client.site.publish(ENTRIES)
    named = "acme/greet:1.0.0: the log has two digests, sha256:"
    assert client.refused().startswith(named)
    assert client.refused(client.file("greet.bala")).startswith(named)


def test_a_last_checkpoint_that_is_no_text_is_refused(client: Client) -> None:
    """JSON can hold half of a character."""
    found = entries()
    found[0] = leaf(0, kind="log.replaced", log=ORIGIN, checkpoint="\ud800")
    client.site.tree = LogTreeFiles(found)
    client.site.publish(ENTRIES)
    assert client.run()[0] == 0
    client.site.origin = SECOND.name
    client.site.signers = (SECOND,)
    client.site.policy = f"log {SECOND.vkey}\nquorum none\n"
    client.site.publish(ENTRIES)
    for path in [each for each in client.site.files if each.startswith("log/")]:
        client.site.files[f"logs/log2/{path[4:]}"] = client.site.files[path]
    refused = client.refused(keys=[])
    assert refused == "The first entry holds no checkpoint of the log before: It is not UTF-8."


def test_an_opening_that_is_no_text_is_refused(client: Client) -> None:
    client.site.prove("acme/secret:1.0.0", SECRET, 512)
    opening = {"salt": "", "leaf": "\ud800"}
    client.site.files[f"api/v1/log/openings/{SECRET}"] = json.dumps(opening).encode()
    refused = client.refused(client.file("secret.bala", HIDDEN))
    assert refused.endswith("its opening is another one than the log commits to.")


def test_the_names_of_a_policy_do_nothing_to_a_terminal(client: Client) -> None:
    odd = Signer("packages.example.org/\x1b[2J")
    client.site.files["log/policy"] = f"log {odd.vkey}\nquorum none\n".encode()
    code, printed = client.run()
    assert code == 1
    assert "The key packages.example.org/[2J+" in printed
    assert "\x1b" not in printed


def test_a_name_of_a_key_that_is_no_text_is_refused(client: Client) -> None:
    key = LOG.vkey.encode().replace(b"/log", b"/\xff")
    client.site.files["log/policy"] = b"log " + key + b"\nquorum none\n"
    assert client.refused(keys=[]) == (
        "log/policy: Line 1 of the policy is not valid. A key is not in the form NAME+ID+BASE64."
    )


def test_an_entry_at_another_place_than_it_says_is_refused(client: Client) -> None:
    found = entries()
    found[9] = leaf(10, kind="package.deprecated")
    client.site.tree = LogTreeFiles(found)
    client.site.publish(ENTRIES)
    assert client.refused() == "The entry 9 says that it is the entry 10."
    found[9] = b"[]"
    (client.folder / "state.json").unlink()
    client.site.tree = LogTreeFiles(found)
    client.site.publish(ENTRIES)
    assert client.refused() == "The entry 9 is neither a leaf nor a commitment."


def test_an_event_that_is_missing_is_named(client: Client) -> None:
    found = entries()
    found[9] = leaf(8, kind="package.deprecated")
    client.site.tree = LogTreeFiles(found)
    client.site.publish(ENTRIES)
    assert client.refused() == (
        "The entry 10 is of the event 10, and the entry before it of the event 8."
    )


def set_back(entries: list[bytes], at: int, by: int) -> list[bytes]:
    """Return the entries of a registry that was set back by some events and then mended."""
    again = [release_leaf(n, f"later/p{n}:1.0.0", sha256(b"%d" % n)) for n in range(at - by, at)]
    return [*entries[:at], *again]


def test_a_log_that_was_mended_verifies(client: Client) -> None:
    client.site.publish(590)
    assert client.run(keys=[LOG.vkey])[0] == 0
    client.site.tree = LogTreeFiles(set_back(entries(), 595, 300))
    client.site.publish(800)
    code, printed = client.run(keys=[LOG.vkey])
    assert code == 0, printed
    assert "800 entries" in printed


def test_what_is_private_opens_in_a_log_that_was_mended(client: Client) -> None:
    found = entries()
    opening = release_leaf(SECRET, "acme/secret:1.0.0", sha256(HIDDEN))
    found[SECRET] = found[SECRET + 1] = commitment(SECRET, SALT, opening)
    client.site.tree = LogTreeFiles(found[: SECRET + 2])
    client.site.publish(SECRET + 2)
    client.site.prove("acme/secret:1.0.0", SECRET + 1, SECRET + 2)
    salt = "dHR0dHR0dHR0dHR0dHR0dHR0dHR0dHR0dHR0dHR0dHQ="
    opened = {"salt": salt, "leaf": opening.decode()}
    client.site.files[f"api/v1/log/openings/{SECRET + 1}"] = json.dumps(opened).encode()
    code, printed = client.run(client.file("secret.bala", HIDDEN), keys=[LOG.vkey])
    assert code == 0, printed


# --- A log that follows another one ---------------------------------------------------------------

SECOND = Signer("packages.example.org/logs/log2")


def replaced(site: ServedLog, old: Sequence[bytes], *, signer: Signer = SECOND) -> ServedLog:
    """Return what a registry serves that lost its tiles, and whose new log has old events."""
    last = site.files["log/checkpoint"].decode()
    first = leaf(0, kind="log.replaced", log=ORIGIN, checkpoint=last)
    new = ServedLog(
        LogTreeFiles([first, *old]),
        len(old) + 1,
        (signer,),
        f"log {signer.vkey}\nquorum none\n",
        signer.name,
    )
    site.files = {
        **{path.replace("log/", "logs/log2/", 1): file for path, file in new.files.items()},
        "log/checkpoint": site.files["log/checkpoint"],
        "log/policy": new.files["log/policy"],
    }
    return new


@pytest.mark.parametrize("keys", [[LOG.vkey], []])
def test_a_log_that_lost_its_tiles_is_followed_to_the_new_one(
    client: Client, keys: list[str]
) -> None:
    client.site.publish(590)
    assert client.run(keys=keys)[0] == 0
    client.site.publish(595)
    replaced(client.site, [*entries(), leaf(600, kind="package.deprecated", package="a/b")])
    code, printed = client.run(keys=keys)
    assert code == 0, printed
    assert printed.startswith(
        f"The log {ORIGIN} ended with 595 entries, and {SECOND.name} follows it. It has all of the "
        "590 entries of the checkpoint that was kept."
    )
    assert f"{SECOND.name}: the checkpoint of 602 entries is signed." in printed
    code, printed = client.run(client.file("greet.bala"), keys=keys)
    assert code == 0, printed
    assert "ended" not in printed
    assert "1 are in the log as they are here" in printed


def test_a_log_is_followed_by_who_kept_nothing_of_it(client: Client) -> None:
    replaced(client.site, entries())
    code, printed = client.run(keys=[LOG.vkey])
    assert code == 0, printed
    assert f"{SECOND.name} follows it. The operator" in printed
    assert client.run(keys=[SECOND.vkey])[0] == 0


def test_a_new_log_with_other_entries_is_followed_only_if_its_key_is_given(client: Client) -> None:
    assert client.run()[0] == 0
    replaced(client.site, entries(archive=b"another"))
    code, printed = client.run()
    assert code == 1
    assert "has other entries than its first 600. If the operator said why" in printed
    assert f"--key {SECOND.vkey}" in printed
    code, printed = client.run(keys=[SECOND.vkey])
    assert code == 0, printed
    assert "It does not have all of the 600 entries" in printed
    code, printed = client.run()  # The key that was named is kept.
    assert code == 0, printed


def test_a_policy_that_was_kept_and_cannot_be_read_is_named(client: Client) -> None:
    assert client.run()[0] == 0
    state = client.folder / "state.json"
    state.write_text(state.read_text().replace("quorum none", "quorum"))
    replaced(client.site, entries())
    for keys in ([], [SECOND.vkey]):
        code, printed = client.run(keys=keys)
        assert (code, "keeps nothing of a log" in printed) == (2, True), printed


def test_a_new_log_that_follows_another_state_is_refused(client: Client) -> None:
    assert client.run()[0] == 0
    client.site.files["log/checkpoint"] = client.site.checkpoint(599)
    replaced(client.site, entries())
    assert f"follows another {ORIGIN} than the one that was kept" in client.refused(keys=[])
    client.site.files["log/checkpoint"] = client.site.checkpoint(600).replace(
        b"\n600\n", b"\n601\n"
    )
    replaced(client.site, entries())
    assert "does not verify with the key" in client.refused(keys=[])


def test_a_new_log_of_another_key_is_not_followed(client: Client) -> None:
    assert client.run()[0] == 0
    other = Signer(SECOND.name, seed=b"o" * 32)
    replaced(client.site, entries(), signer=other)
    assert "the log has no such file" in client.refused(keys=[])
    code, printed = client.run(keys=[LOG.vkey, other.vkey])
    assert code == 0, printed


# --- The steps of a proof -----------------------------------------------------------------------


@pytest.fixture
def proof(client: Client) -> Callable[[Callable[[bytes], bytes]], str]:
    """Return what changes the served proof of acme/greet, and returns what is said of it."""
    many = [
        *entries(),
        *(leaf(n, kind="package.deprecated", package="a/b") for n in range(600, 1500)),
    ]
    client.site.tree = LogTreeFiles(many)
    client.site.publish(1500)
    file = client.file("greet.bala")

    def refused(change: Callable[[bytes], bytes]) -> str:
        client.site.prove("acme/greet:1.0.0", GREET, 512)
        path = "api/v1/log/proof/acme/greet/1.0.0"
        client.site.files[path] = change(client.site.files[path])
        return client.refused(file)

    return refused


Changing = Callable[[Callable[[bytes], bytes]], str]
NOT_PROVEN = "acme/greet:1.0.0: the proof does not verify: "


def test_the_proof_of_another_leaf_is_refused(proof: Changing) -> None:
    refused = proof(lambda content: content.replace(b"index 300", b"index 299"))
    assert refused == f"{NOT_PROVEN}its hashes do not lead from the entry 299 to the root."


def test_the_proof_of_another_release_is_refused(client: Client, proof: Changing) -> None:
    client.site.prove("acme/greet:1.0.0", 5, 512)
    other = client.site.files["api/v1/log/proof/acme/greet/1.0.0"]
    assert proof(lambda _: other) == (
        "acme/greet:1.0.0: its proof is of the entry of other/p5:1.0.0."
    )


def test_the_proof_of_another_log_is_refused(proof: Changing) -> None:
    refused = proof(lambda content: content.replace(ORIGIN.encode(), b"evil.example/log"))
    assert refused == f"{NOT_PROVEN}it is of the log evil.example/log."


def test_a_proof_whose_signature_is_wrong_is_refused(proof: Changing) -> None:
    refused = proof(lambda content: content.replace(b"\n512\n", b"\n511\n"))
    assert refused.startswith(f"{NOT_PROVEN}The signature of {ORIGIN} does not verify")


def test_a_proof_of_a_state_that_the_log_never_had_is_refused(proof: Changing) -> None:
    other = ServedLog(LogTreeFiles(entries(archive=b"another")), ENTRIES)
    other.prove("x", GREET, 512)
    refused = proof(lambda _: other.files["api/v1/log/proof/x"])
    assert (
        refused == f"{NOT_PROVEN}its checkpoint of 512 entries is of no earlier state of the log."
    )


@pytest.mark.parametrize(
    "content",
    [b"", b"c2sp.org/tlog-proof@v1\n\n", b"c2sp.org/tlog-proof@v1\nindex 1\nx\n\n", b"\xff\n\n"],
)
def test_what_is_no_proof_is_refused(proof: Changing, content: bytes) -> None:
    assert proof(lambda _: content).startswith(NOT_PROVEN)


# --- Witnesses ----------------------------------------------------------------------------------

ONE = Signer("witness.example/one", 4, b"1" * 32)
TWO = Signer("witness.example/two", 4, b"2" * 32)
MODERN = Signer("witness.example/modern", 6, b"3" * 32)
POLICY = f"""# Ours.
log {LOG.vkey} https://packages.example.org/log
witness one {ONE.vkey}
witness two {TWO.vkey}\thttps://two.example
witness modern {MODERN.vkey}
group old any one two
group all-of-them all old modern
quorum all-of-them
"""


def test_a_checkpoint_needs_the_cosignatures_of_the_quorum(client: Client) -> None:
    policy = client.file("policy", POLICY.encode())
    client.site.signers = (LOG, ONE)
    client.site.publish(ENTRIES)
    assert client.refused(keys=[], policy=policy) == (
        "checkpoint: The cosignatures are of one, which is less than the quorum all-of-them."
    )
    client.site.signers = (LOG, TWO, MODERN, Signer("somebody.example", 4))
    client.site.publish(ENTRIES)
    code, printed = client.run(policy=policy)
    assert code == 0, printed
    assert "cosigned as all-of-them of 3 witnesses asks" in printed


def test_a_cosignature_that_cannot_be_verified_here_is_named(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signed_notes, "MLDSA44PublicKey", None)
    client.site.signers = (LOG, TWO, MODERN)
    client.site.publish(ENTRIES)
    assert client.refused(keys=[], policy=client.file("policy", POLICY.encode())) == (
        "checkpoint: The cosignatures are of two, which is less than the quorum all-of-them. "
        "Those of modern cannot be verified here. Install a newer cryptography."
    )


@pytest.mark.parametrize("witness", [ONE, MODERN], ids=["ed25519", "ml-dsa"])
def test_a_cosignature_of_another_checkpoint_is_refused(client: Client, witness: Signer) -> None:
    policy = client.file("policy", POLICY.encode())
    client.site.signers = (LOG, witness)
    note = client.site.checkpoint(500).splitlines(keepends=True)[-1]
    client.site.signers = (LOG,)
    client.site.files["log/checkpoint"] = client.site.checkpoint(ENTRIES) + note
    refused = client.refused(keys=[], policy=policy)
    assert refused.startswith(f"checkpoint: The cosignature of {witness.name} does not verify")


def test_the_witnesses_that_the_registry_named_first_are_kept(client: Client) -> None:
    client.site.policy = f"log {LOG.vkey}\nwitness one {ONE.vkey}\nquorum one\n"
    client.site.signers = (LOG, ONE)
    client.site.publish(ENTRIES)
    assert client.run()[0] == 0
    client.site.policy = f"log {LOG.vkey}\nquorum none\n"
    client.site.signers = (LOG,)
    client.site.publish(ENTRIES)
    assert "which is less than the quorum one" in client.refused(keys=[])


@pytest.mark.parametrize(
    "policy",
    [
        "",
        f"log {LOG.vkey}\n",
        f"log {LOG.vkey}\nquorum none\nquorum none\n",
        f"log {ONE.vkey}\nquorum none\n",
        f"log {LOG.vkey}\nlog {LOG.vkey}\nquorum none\n",
        f"log {LOG.vkey}x\nquorum none\n",
        f"log {LOG.vkey.replace('+', '+0', 1)}\nquorum none\n",
        f"witness none {ONE.vkey}\nquorum none\n",
        f"witness a {ONE.vkey}\nwitness a {TWO.vkey}\nquorum a\n",
        f"witness a {ONE.vkey}\ngroup b 2 a\nquorum b\n",
        f"witness a {ONE.vkey}\ngroup b any a a\nquorum b\n",
        f"witness a {ONE.vkey}\ngroup b any c\nquorum b\n",
        f"witness a {ONE.vkey}\ngroup b 01 a\nquorum b\n",
        f"quorum a\nwitness a {ONE.vkey}\n",
        f"log {LOG.vkey}\nquorum none\nsomething else\n",
    ],
)
def test_a_policy_that_is_not_valid_is_no_policy(client: Client, policy: str) -> None:
    file = client.file("policy", policy.encode())
    code, printed = client.run(policy=file)
    assert (code, printed[: len(file)]) == (2, file)


# --- Signatures of releases ---------------------------------------------------------------------


def test_a_signature_of_other_bytes_is_named(client: Client) -> None:
    client.site.sign("acme/greet:1.0.0", sha256(b"another"), checksum=sha256(ARCHIVE))
    refused = client.refused(client.file("greet.bala"))
    assert refused.startswith(
        "acme/greet:1.0.0: its signature does not verify with the key SHA256:"
    )


def test_an_index_with_another_digest_than_the_log_is_named(client: Client) -> None:
    client.site.sign("acme/greet:1.0.0", sha256(b"another"))
    refused = client.refused(client.file("greet.bala"))
    assert refused.startswith("acme/greet:1.0.0: the index has sha-256=")


def test_a_key_that_changed_or_expired_is_named(client: Client) -> None:
    file = client.file("greet.bala")
    client.site.sign("acme/greet:1.0.0", sha256(ARCHIVE))
    assert client.run(file)[0] == 0
    keys = json.loads(client.site.files["api/v1/keys"])
    keys["keys"][0]["expires"] = "2026-11-28T09:59:59Z"
    client.site.files["api/v1/keys"] = json.dumps(keys).encode()
    assert "which had expired before" in client.refused(file)
    keys["keys"][0]["key"] = "AAAA"
    client.site.files["api/v1/keys"] = json.dumps(keys).encode()
    assert "the registry has another key of this name than before" in client.refused(file)
    client.site.files["api/v1/keys"] = b'{"keys": []}'
    assert "is of a key that the registry does not list" in client.refused(file)


# --- What cannot be asked -----------------------------------------------------------------------


def test_what_is_not_there_cannot_be_asked(client: Client) -> None:
    def said(*files: str, **options: object) -> str:
        code, printed = client.run(*files, **options)
        assert code == 2, printed
        return printed

    assert "There is no file nothing.bala" in said("nothing.bala")
    assert "has no .bala files" in said(str(client.folder))
    assert "cannot be read" in said("nothing.toml")
    assert "No release is named there" in said(client.file("x.toml", b""))
    assert "--key is not valid" in said(keys=["nothing"])
    assert "cannot be read" in said(policy="nothing")
    assert "no access token" in said(token="a\nb")
    assert "keeps nothing of a log" in said(state=client.file("bad.json", b"{}"))
    kept = {"v": 1, "logs": {client.url: {"checkpoint": "x"}}}
    bad = client.file("bad.json", json.dumps(kept).encode())
    assert "keeps nothing of a log" in said(state=bad, keys=[LOG.vkey])
    assert "cannot be written" in said(state=client.file("file", b"") + "/state.json")
    del client.site.files["log/checkpoint"]
    assert "The registry has no log yet" in said()


def test_a_state_that_cannot_be_replaced_leaves_no_draft(client: Client) -> None:
    folder = client.folder / "state.json"
    folder.mkdir()
    code, printed = client.run()
    assert code == 2
    assert f"{folder} cannot be written: Is a directory. Name another file" in printed
    assert [each.name for each in client.folder.iterdir()] == ["state.json"]


def test_an_address_without_a_server_cannot_be_asked(client: Client) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        client.url = f"http://127.0.0.1:{free.getsockname()[1]}"
    code, printed = client.run()
    assert code == 2
    assert "cannot be reached" in printed


def test_a_redirect_is_not_followed_and_gets_no_token(client: Client) -> None:
    with serving(ServedLog(client.site.tree, ENTRIES)) as elsewhere:

        def redirect(request: BaseHTTPRequestHandler) -> None:
            request.send_response(302)
            request.send_header("Location", f"{elsewhere}/log/checkpoint")
            request.send_header("Content-Length", "0")
            request.end_headers()

        client.site.answers["log/checkpoint"] = redirect
        code, printed = client.run(keys=[LOG.vkey], token="blr_token")
    assert code == 2
    assert "leads to another address, which is not followed" in printed


def test_an_answer_without_end_is_given_up(client: Client) -> None:
    def endless(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        request.close_connection = True
        try:
            while True:
                request.wfile.write(b"x" * 65_536)
        except OSError:
            return

    client.site.answers["log/tile/1/000.p/2"] = endless
    code, printed = client.run(keys=[LOG.vkey])
    assert code == 2
    assert "answered more than" in printed


@pytest.mark.parametrize(
    "begin",
    ["Content-Length: 9000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n1\r\n", "X-Slow: "],
    ids=["body", "chunks", "headers"],
)
def test_an_answer_of_a_byte_now_and_then_is_given_up(
    client: Client, begin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_client, "LONGEST_ANSWER_S", 0.5)
    given_up = threading.Event()

    def slow(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(f"HTTP/1.1 200 OK\r\n{begin}".encode())
        try:
            while not given_up.wait(0.05):
                request.wfile.write(b"1")
        except OSError:
            return

    client.site.answers["log/checkpoint"] = slow
    began = time.monotonic()
    code, printed = client.run(keys=[LOG.vkey])
    given_up.set()
    assert (code, time.monotonic() - began < 4) == (2, True), printed
    assert "log/checkpoint did not end its answer within 0.5 seconds." in printed


def test_a_length_of_too_many_digits_is_none(client: Client) -> None:
    def long(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "9" * 5_000)
        request.end_headers()
        request.wfile.write(client.site.files["log/checkpoint"])
        request.close_connection = True

    client.site.answers["log/checkpoint"] = long
    code, printed = client.run(keys=[LOG.vkey])
    assert code == 0, printed


def test_what_is_still_asked_for_is_given_up_at_the_end(client: Client) -> None:
    def busy(request: BaseHTTPRequestHandler) -> None:
        request.send_response(503)
        request.send_header("Retry-After", "30")
        request.send_header("Content-Length", "0")
        request.end_headers()

    own = client.site.files
    own["log/tile/0/000"] = changed(own["log/tile/0/000"], 40)
    client.site.answers["log/tile/0/001"] = busy
    assert client.refused().startswith("tile/0/000: the byte 40")
    for each in threading.enumerate():
        if each.name.startswith("verify"):
            each.join(5)
            assert not each.is_alive()


def test_an_answer_that_ends_early_is_asked_again(client: Client) -> None:
    whole = client.site.files["log/checkpoint"]
    answered: list[int] = []

    def early(request: BaseHTTPRequestHandler) -> None:
        answered.append(1)
        request.send_response(200)
        request.send_header("Content-Length", str(len(whole)))
        request.end_headers()
        request.wfile.write(whole if len(answered) > 1 else whole[:50])
        request.close_connection = True

    client.site.answers["log/checkpoint"] = early
    code, printed = client.run(keys=[LOG.vkey])
    assert (code, len(answered)) == (0, 2), printed


def test_a_busy_registry_is_asked_again(client: Client) -> None:
    answered: list[int] = []

    def busy(request: BaseHTTPRequestHandler) -> None:
        answered.append(1)
        request.send_response(503)
        request.send_header("Content-Length", "0")
        request.end_headers()

    client.site.answers["log/checkpoint"] = busy
    code, printed = client.run(keys=[LOG.vkey])
    assert (code, len(answered)) == (2, registry_client.TRIES)
    assert "answered 503" in printed


def test_an_entry_of_a_newer_form_cannot_be_asked(client: Client) -> None:
    found = entries()
    found[9] = b'{"v":2,"index":9}'
    client.site.tree = LogTreeFiles(found)
    client.site.publish(ENTRIES)
    code, printed = client.run(keys=[LOG.vkey])
    assert code == 2
    assert "The entry 9 has the form 2, and this program knows 1." in printed


# --- Watch --------------------------------------------------------------------------------------


def test_a_watch_prints_what_is_new_once(client: Client) -> None:
    client.site.publish(GREET)
    code, printed = client.run(watch="acme")
    assert code == 0
    assert "What is new in acme is printed from the entry 300 on." in printed
    client.site.publish(ENTRIES)
    code, printed = client.run(watch="acme", webhook=f"{client.url}/hook")
    assert code == 1
    line = (
        f"2026-11-28T10:00:00Z release.published acme/greet:1.0.0, by 7, sha256:{sha256(ARCHIVE)} "
        "(entry 300)"
    )
    assert printed.strip() == line
    [sent] = [dict(headers) for path, headers in client.site.requests if path == "POST /hook"]
    body = json.loads(sent["body"])
    assert (body["text"], body["organization"]) == (line, "acme")
    assert [each["index"] for each in body["entries"]] == [GREET]
    assert client.run(watch="acme")[0] == 0
    assert client.run()[0] == 0


def test_what_a_webhook_did_not_take_is_told_again(client: Client) -> None:
    client.site.publish(GREET)
    client.run(watch="acme")
    client.site.publish(ENTRIES)
    code, printed = client.run(watch="acme", webhook=f"{client.url}/other", token="blr_token")
    assert code == 2
    assert "The webhook answered 500. What is new is told again." in printed
    [sent] = [headers for path, headers in client.site.requests if path == "POST /other"]
    assert "blr_token" not in str(sent)
    assert client.run(watch="acme")[0] == 1


def test_two_runs_at_the_same_time_keep_what_both_learn(client: Client) -> None:
    began: list[int] = []

    def other_run(request: BaseHTTPRequestHandler) -> None:
        began.append(1)
        if len(began) == 1:
            assert client.run(watch="other")[0] == 0
        send(request, client.site.checkpoint(ENTRIES))

    client.site.answers["log/checkpoint"] = other_run
    assert client.run(watch="acme")[0] == 0
    kept = json.loads((client.folder / "state.json").read_text())["logs"][client.url]
    assert kept["watched"] == {"acme": ENTRIES, "other": ENTRIES}


def test_a_watch_with_a_token_sees_what_is_private(client: Client) -> None:
    client.site.publish(SECRET)
    client.run(watch="acme")
    client.site.publish(ENTRIES)
    opening = release_leaf(SECRET, "acme/secret:1.0.0", sha256(HIDDEN)).decode()
    salt = "dHR0dHR0dHR0dHR0dHR0dHR0dHR0dHR0dHR0dHR0dHQ="
    opened = {"salt": salt, "leaf": opening}
    client.site.files[f"api/v1/log/openings/{SECRET}"] = json.dumps(opened).encode()
    code, printed = client.run(watch="acme", token="blr_token")
    assert code == 1
    assert "acme/secret:1.0.0" in printed


def test_the_program_takes_an_address_and_files(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(client.folder)
    client.file("greet.bala")
    arguments = ["greet.bala", "--state", "s.json", "--key", LOG.vkey]
    assert main([client.url, *arguments], "http://127.0.0.1:9") == 0
    assert main(arguments, client.url) == 0


def test_options_may_stand_between_the_address_and_files(client: Client) -> None:
    state = str(client.folder / "s.json")
    arguments = [client.url, "--key", LOG.vkey, client.file("greet.bala"), "--state", state]
    assert main(arguments, "http://127.0.0.1:9") == 0


def test_the_command_does_the_same(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def ballroom(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(cli, ["log", *arguments])
        return done.exit_code, done.output

    own = ["--state", str(client.folder / "s.json"), "--key", LOG.vkey]
    file = client.file("greet.bala")
    code, printed = ballroom("verify", client.url, file, *own)
    assert (code, "1 are in the log as they are here" in printed) == (0, True), printed
    code, printed = ballroom("watch", "acme", "--registry", client.url, *own)
    assert (code, "What is new in acme" in printed) == (0, True), printed
    monkeypatch.setenv("BALLROOM_URL", client.url)
    assert ballroom("verify", file, *own)[0] == 0
    monkeypatch.delenv("BALLROOM_URL")
    code, printed = ballroom("verify", file, *own)
    assert (code, "No registry is named" in printed) == (2, True), printed
