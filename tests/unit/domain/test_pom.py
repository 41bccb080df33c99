"""POMs: what is written is what is accepted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import FileTooLarge, PomDiffers, PomUnreadable
from shared.domain.names import Coordinate
from shared.domain.pom import MAX_BYTES, pom_of, require_pom

GREET = Coordinate.parse("acme", "aws.s3", "1.0.0-rc.1")
NAMES = "<groupId>acme</groupId><artifactId>aws.s3</artifactId>"
VERSION = "<version>1.0.0-rc.1</version>"


@pytest.mark.parametrize(
    "content",
    [
        pom_of(GREET),
        f"<project>{NAMES}{VERSION}</project>".encode(),
        f"<project>{NAMES}{VERSION}<packaging>pom</packaging><x><version>9</version></x></project>".encode(),
        f"<?xml version='1.0' encoding='UTF-16'?><project>{NAMES}{VERSION}</project>".encode(
            "utf-16"
        ),
        f"<project>{NAMES.replace('aws', 'a<!-- -->WS')}{VERSION}</project>".encode(),
    ],
)
def test_a_pom_of_the_release_is_accepted(content: bytes) -> None:
    require_pom(content, GREET)


@pytest.mark.parametrize(
    "content",
    [
        b"<project/>",
        f"<project>{NAMES}</project>".encode(),
        f"<project>{NAMES}<version>1.0.0-RC.1</version></project>".encode(),
        f"<project><parent>{NAMES}{VERSION}</parent></project>".encode(),
        f"<other>{NAMES}{VERSION}</other>".encode(),
    ],
)
def test_a_pom_of_something_else_is_refused(content: bytes) -> None:
    with pytest.raises(PomDiffers):
        require_pom(content, GREET)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is not well-formed XML"),
        (b"<project>", "it is not well-formed XML"),
        (b"<project>\xff</project>", "it is not well-formed XML"),
        (b"<?xml version='1.0' encoding='klingon'?><project/>", "it is not well-formed XML"),
        (b"<!DOCTYPE project><project/>", "it has a DOCTYPE"),
    ],
)
def test_a_pom_that_cannot_be_read_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(PomUnreadable) as refused:
        require_pom(content, GREET)
    assert str(refused.value) == str(PomUnreadable(reason))


def test_a_pom_has_a_limit() -> None:
    with pytest.raises(FileTooLarge):
        require_pom(pom_of(GREET) + b" " * MAX_BYTES, GREET)


@given(st.binary())
def test_anything_is_read_or_refused(content: bytes) -> None:
    with pytest.raises((PomUnreadable, PomDiffers)):
        require_pom(content, GREET)
