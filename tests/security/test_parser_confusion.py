"""Zip parser confusion, zip slip and zip bombs (CVE-2025-54368 and its kind).

Two readers that see different files in one archive let an attacker show one to the registry and
another to its users. So every archive that could be read in two ways is refused, and of those
that are accepted every reader sees the same.
"""

import io
import re
import shutil
import subprocess
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.auth.access_tokens import TokenSearch
from shared.domain.archives.bala import read_bala
from shared.domain.archives.limits import DEFAULT_LIMITS, ArchiveLimits, Documentation
from shared.domain.archives.unpacking import ZipArchive
from shared.domain.errors.base import BadArchive, RefusalKind
from tests.paths import BALAS
from tests.sampling import examples
from tests.security.hostile_archives import HOSTILE, Hostile
from tests.security.unusual_archives import ODD, Odd
from tests.support.archives import bala
from tests.support.java_programs import run_java
from tests.support.refusals import refusals_of_the_source

pytestmark = pytest.mark.measured

LENIENT = ArchiveLimits(documentation=Documentation.OPTIONAL)
LONGEST_SENTENCE = 600  # Characters: it must fit into a terminal and into a log line.

Facts = dict[str, tuple[int, int]]  # Name -> size and CRC of the content.


@pytest.mark.parametrize("hostile", [pytest.param(each, id=each.name) for each in HOSTILE])
def test_a_hostile_archive_is_refused_with_its_own_reason(hostile: Hostile) -> None:
    """The reason is one short printable line."""
    with pytest.raises(BadArchive) as refused:
        read_bala(hostile.build(), hostile.limits, TokenSearch("local").find)
    assert refused.value.code == hostile.refusal
    assert refused.value.kind is RefusalKind.INVALID
    sentence = str(refused.value)
    assert hostile.words in sentence
    assert sentence.isprintable()
    assert sentence.endswith(".")
    assert len(sentence) <= LONGEST_SENTENCE


def test_every_reason_to_refuse_has_an_archive_that_meets_it() -> None:
    reasons = {each.code for each in refusals_of_the_source() if isinstance(each, BadArchive)}
    met = {hostile.refusal for hostile in HOSTILE}
    assert reasons - met == {"coordinate-differs"}


@pytest.mark.parametrize("odd", [pytest.param(each, id=each.name) for each in ODD])
def test_an_accepted_archive_holds_what_python_sees(odd: Odd) -> None:
    content = odd.build()
    assert read_bala(content).coordinate.package.name == "greet"
    assert our_facts(content) == python_facts(content)


def test_accepted_archives_hold_what_both_readers_of_java_see(tmp_path: Path) -> None:
    files = {str(path): path.read_bytes() for path in accepted_archives(tmp_path)}
    seen: dict[str, dict[str, Facts]] = {
        reader: {file: {} for file in files} for reader in ("ZipFile", "ZipInputStream")
    }
    for line in run_java("Zips.java", list(files)):
        reader, file, name, size, crc = line.split("\t")
        assert name not in seen[reader][file], f"{reader} sees {name} twice in {file}"
        seen[reader][file][name] = (int(size), int(crc))
    ours = {file: our_facts(content) for file, content in files.items()}
    assert seen == {"ZipFile": ours, "ZipInputStream": ours}


UNZIP = shutil.which("unzip")
LISTED = re.compile(r"\s*(\d+)\s+\S+\s+\d+\s+-?\d+%\s+\S+ \S+\s+([0-9a-f]{8})  (.*)")


@pytest.mark.skipif(UNZIP is None, reason="there is no unzip on this machine")
def test_accepted_archives_hold_what_a_reader_written_in_c_sees(tmp_path: Path) -> None:
    for path in accepted_archives(tmp_path):
        command = [str(UNZIP), "-v", str(path)]
        listing = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
        rows = [LISTED.fullmatch(line) for line in listing.decode("latin-1").splitlines()]
        seen = [(row[3], int(row[1]), int(row[2], 16)) for row in rows if row]
        ours = [(name, *facts) for name, facts in our_facts(path.read_bytes()).items()]
        assert plainly(seen) == plainly(ours), path.name


def plainly(rows: list[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """Return the rows in order, without names that the program writes in ways of its own."""
    return sorted((name if name.isascii() else "", size, crc) for name, size, crc in rows)


def accepted_archives(folder: Path) -> Iterator[Path]:
    """Yield files of all archives that are accepted: odd ones, plain ones and real ones."""
    for at, odd in enumerate(ODD):
        path = folder / f"odd{at}.bala"
        path.write_bytes(odd.build())
        yield path
    for layout in (2, 3, 4):
        path = folder / f"layout{layout}.bala"
        path.write_bytes(bala(layout=layout, padding=100_000))
        yield path
    real = sorted(BALAS.glob("*.bala"))
    assert real
    yield from real


def our_facts(content: bytes) -> Facts:
    """Return what our reader sees."""
    archive = ZipArchive.open(content, DEFAULT_LIMITS)
    read = {name: archive.read(name) for name in archive.names}
    return {name: (len(data), zlib.crc32(data)) for name, data in read.items()}


def python_facts(content: bytes) -> Facts:
    """Return what Python's zipfile sees."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        infos = archive.infolist()
        found = {info.filename: archive.read(info) for info in infos}
    assert len(found) == len(infos)
    return {name: (len(data), zlib.crc32(data)) for name, data in found.items()}


# --- damage ------------------------------------------------------------------------------------

BASES = (
    bala(layout=2),
    bala(layout=4, modules=["sub"], dependencies=["acme/x:1.0.0"]),
    next(odd for odd in ODD if odd.name == "descriptors").build(),
    next(odd for odd in ODD if odd.name == "descriptors without a signature").build(),
    next(odd for odd in ODD if odd.name == "room for zip64 sizes").build(),
)


def same_or_refused(content: bytes) -> None:
    """Check that damage is refused, or that what is read is what Python reads."""
    try:
        read_bala(content, LENIENT)
    except BadArchive:
        return
    assert our_facts(content) == python_facts(content)


@pytest.mark.parametrize("base", BASES, ids=["plain", "go", "streamed", "bare", "piped"])
@pytest.mark.parametrize("mask", [0x01, 0x80, 0xFF])
def test_no_changed_byte_makes_readers_differ(base: bytes, mask: int) -> None:
    for at in range(len(base)):
        same_or_refused(base[:at] + bytes([base[at] ^ mask]) + base[at + 1 :])


@given(st.sampled_from(BASES), st.integers(0, 1 << 20), st.integers(0, 60), st.binary(max_size=60))
@settings(max_examples=examples(120, full=300))
def test_nothing_cut_out_or_put_in_makes_readers_differ(
    base: bytes, at: int, cut: int, put: bytes
) -> None:
    at %= len(base)
    same_or_refused(base[:at] + put + base[at + cut :])


@given(st.binary(max_size=200))
def test_no_bytes_are_more_than_refused(content: bytes) -> None:
    with pytest.raises(BadArchive):
        read_bala(content)
