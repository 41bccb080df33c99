"""A secret shows itself to nobody who does not ask."""

import pickle
import traceback

import orjson
import pytest

from shared.auth.secrets import Secret, random_text


def test_a_secret_prints_as_asterisks() -> None:
    secret = Secret("swordfish")
    assert f"{secret} {secret!r} {[secret]} {secret:>6}" == "**** **** [****]   ****"


def test_a_secret_shows_its_text_when_asked() -> None:
    assert Secret("swordfish").reveal() == "swordfish"


def test_a_secret_cannot_be_written_as_json() -> None:
    with pytest.raises(TypeError):
        orjson.dumps({"token": Secret("swordfish")})


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_secret_cannot_be_pickled(protocol: int) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Secret("swordfish"), protocol)


def test_a_traceback_with_local_variables_does_not_show_a_secret() -> None:
    def fail(secret: Secret) -> None:
        raise ValueError(secret)

    hidden = Secret("".join(["sword", "fish"]))  # In pieces: the traceback holds this line.
    with pytest.raises(ValueError, match=r"\*{4}") as caught:
        fail(hidden)
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert "swordfish" not in "".join(shown.format())


def test_secrets_are_equal_when_their_texts_are() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert len({Secret("a"), Secret("a")}) == 1
    assert hash(Secret("a")) != hash(Secret("b"))


def test_a_secret_is_never_equal_to_a_plain_text() -> None:
    assert Secret("a") != "a"


def test_a_random_text_takes_eight_bytes_more_than_it_has_characters() -> None:
    asked = list[int]()

    class Zeros:
        def token_bytes(self, count: int) -> bytes:
            asked.append(count)
            return bytes(count)

    assert random_text(Zeros(), 10) == "0" * 10
    assert asked == [18]
