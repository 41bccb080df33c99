"""A secret shows itself to nobody who does not ask."""

import pickle
import traceback

import orjson
import pytest

from shared.auth.secrets import Secret


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
