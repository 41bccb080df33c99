"""The archive of the sample package is the same wherever it is made, and documents a package."""

import os
import shutil
from pathlib import Path

from shared.commands.first_start import SOURCES, sample_archive
from shared.domain.archives.bala import read_bala


def test_the_same_sources_make_the_same_archive_on_every_machine(tmp_path: Path) -> None:
    copied = tmp_path / "sources"
    for file in sorted(SOURCES.rglob("*"), reverse=True):  # In another order, with other times.
        if file.is_file():
            target = copied / file.relative_to(SOURCES)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
            target.chmod(0o600)
            os.utime(target, (1, 1))
    assert sample_archive(copied) == sample_archive()


def test_a_registry_reads_it_whole() -> None:
    read = read_bala(sample_archive())
    assert str(read.coordinate) == "acme/greet:1.0.0"
