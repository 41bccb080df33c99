"""The texts that keep asymmetric keys."""

from shared.auth.key_texts import with_older_keys

NEW = b"2026-11-20T10:00:00Z new\n"
OLD = b"2026-11-21T10:00:00Z old\n"
OLDEST = b"2026-11-01T10:00:00Z oldest\n"


def test_the_newest_key_stays_first_after_the_clock_was_set_back() -> None:
    assert with_older_keys(NEW + OLD, OLD + OLDEST) == NEW + OLD + OLDEST


def test_keys_that_a_text_lacks_stand_where_their_times_say() -> None:
    assert with_older_keys(OLD, NEW + OLDEST) == OLD + NEW + OLDEST
