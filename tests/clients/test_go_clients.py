"""Clients in Go read a log: `golang.org/x/mod/sumdb`, and `filippo.io/torchwood`."""

import hashlib

import pytest

from tests.support.go_programs import GoPrograms
from tests.support.log_files import LOG, LogTreeFiles, ServedLog, Signer, release_leaf, serving

# The first build compiles the libraries.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

WITNESS = Signer("witness.example", 4)
POLICY = f"log {LOG.vkey}\nwitness one {WITNESS.vkey}\nquorum one\n"


@pytest.fixture(scope="module")
def tree() -> LogTreeFiles:
    digests = (hashlib.sha256(b"%d" % n).hexdigest() for n in range(66_000))
    return LogTreeFiles([release_leaf(n, f"a/p{n}:1.0.0", d) for n, d in enumerate(digests)])


@pytest.mark.parametrize(("size", "tiles"), [(1, 1), (256, 2), (600, 4), (66_000, 261)])
def test_the_go_checksum_database_accepts_each_tile_and_proof(
    go_programs: GoPrograms, tree: LogTreeFiles, size: int, tiles: int
) -> None:
    with serving(ServedLog(tree, size, (LOG, WITNESS), POLICY)) as url:
        code, printed = go_programs.run("sumdb", f"{url}/log", LOG.vkey)
    assert (code, printed) == (0, f"{size} entries, {tiles} tiles, 100 proofs\n")


@pytest.mark.parametrize("size", [1, 256, 600, 66_000])
def test_torchwood_accepts_each_entry_and_proof(
    go_programs: GoPrograms, tree: LogTreeFiles, size: int
) -> None:
    with serving(ServedLog(tree, size, (LOG, WITNESS), POLICY)) as url:
        code, printed = go_programs.run("torchwood", f"{url}/log")
    assert (code, printed) == (0, f"{size} entries, 100 proofs\n")


@pytest.mark.parametrize("path", ["tile/0/001", "tile/1/000.p/2", "tile/entries/001"])
def test_both_refuse_what_was_changed(
    go_programs: GoPrograms, tree: LogTreeFiles, path: str
) -> None:
    site = ServedLog(tree, 600, (LOG, WITNESS), POLICY)
    content = site.files[f"log/{path}"]
    site.files[f"log/{path}"] = content[:20] + bytes([content[20] ^ 1]) + content[21:]
    with serving(site) as url:
        assert go_programs.run("sumdb", f"{url}/log", LOG.vkey)[0] == 1
        assert go_programs.run("torchwood", f"{url}/log")[0] == 1
