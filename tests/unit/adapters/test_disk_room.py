"""How much room there is on the disk of a registry."""

from pathlib import Path

from shared.adapters.disk_room import room_of


def test_a_disk_says_how_much_of_it_is_free(tmp_path: Path) -> None:
    room = room_of(tmp_path)
    assert room is not None
    assert 0 < room.free_bytes <= room.total_bytes


def test_a_folder_that_is_not_there_says_nothing(tmp_path: Path) -> None:
    assert room_of(tmp_path / "nowhere") is None
