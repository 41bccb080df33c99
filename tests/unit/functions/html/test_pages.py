"""Two forms cannot show different messages for the same value of ?done=."""

import pytest

from functions.html.pages import add_done_message


def test_a_second_message_for_a_value_of_done_is_refused() -> None:
    add_done_message("only-of-this-test", "Saved.")
    with pytest.raises(ValueError, match="done=only-of-this-test"):
        add_done_message("only-of-this-test", "Removed.")
    add_done_message("only-of-this-test", "Saved.")  # As a module does that is imported again.
