"""Pieces of documentation as files: which ones are deleted with others."""

import os
from datetime import timedelta
from pathlib import Path

from shared.adapters.data_folder import PiecesFolder
from shared.adapters.file_pieces import FilePieces
from shared.domain.archives.digests import Digest
from shared.runtime.private_files import paths_readable_by_others

DIGEST = Digest.of(b"archive")
AN_HOUR = timedelta(hours=1).total_seconds()


def put(pieces: FilePieces, folder: Path, name: str, age: float = 0) -> None:
    made = folder / "made"
    made.write_bytes(b"piece")
    changed = made.stat().st_mtime - age
    os.utime(made, (changed, changed))
    pieces.put(DIGEST, name, made)


def test_pieces_of_a_process_that_ended_are_deleted_with_the_former_ones(tmp_path: Path) -> None:
    pieces = FilePieces(PiecesFolder(tmp_path / "pieces"))
    put(pieces, tmp_path, "left", age=AN_HOUR + 60)
    put(pieces, tmp_path, "soon-named", age=AN_HOUR - 60)
    put(pieces, tmp_path, "former")
    put(pieces, tmp_path, "kept")
    pieces.delete(DIGEST, "former", kept="kept")
    names = ("left", "soon-named", "former", "kept")
    found = [name for name in names if pieces.read(DIGEST, name, 0, 1)]
    assert found == ["soon-named", "kept"]


def test_old_pieces_that_the_record_names_are_kept(tmp_path: Path) -> None:
    pieces = FilePieces(PiecesFolder(tmp_path / "pieces"))
    put(pieces, tmp_path, "kept", age=2 * AN_HOUR)
    put(pieces, tmp_path, "other")
    pieces.delete(DIGEST, "", kept="kept")
    assert pieces.read(DIGEST, "kept", 0, 1) == b"p"


def test_pieces_are_for_their_owner_whatever_the_umask(tmp_path: Path) -> None:
    """Commands that make documentation again have the umask of whoever runs them."""
    pieces = FilePieces(PiecesFolder(tmp_path / "pieces"))
    made = tmp_path / "made"
    made.write_bytes(b"piece")
    made.chmod(0o644)
    pieces.put(DIGEST, "kept", made)
    assert list(paths_readable_by_others(tmp_path / "pieces")) == []
