"""Forms that browsers send: small, url-encoded, read once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar
from urllib.parse import parse_qs

import azure.functions as func

from functions._http import header, size_of
from shared.domain.errors import BodyUnreadable, InvalidRequest, TokenMisplaced
from shared.domain.token_texts import holds_token

URL_ENCODED = "application/x-www-form-urlencoded"
MOST_BYTES = 65_536  # The largest form of ours, filled to its limits, has a few thousand.
MOST_FIELDS = 200

Chosen = TypeVar("Chosen", bound=Enum)

_EXPECTED = f"a form, as {URL_ENCODED}"


@dataclass(frozen=True, slots=True)
class Form:
    """What was typed and chosen."""

    values: Mapping[str, list[str]] = field(default_factory=dict[str, list[str]])

    def text(self, name: str, default: str = "") -> str:
        """Return a field without the blanks around it; the default where it is not there."""
        return self.values.get(name, [default])[0].strip()

    def all(self, name: str) -> list[str]:
        """Return every value of a field that may be given several times."""
        return list(self.values.get(name, ()))

    def choice(self, name: str, kind: type[Chosen], otherwise: str) -> Chosen:
        """Return which value of `kind` was chosen, or raise `InvalidRequest` with the sentence."""
        try:
            return kind(self.text(name))
        except ValueError:
            raise InvalidRequest(otherwise) from None


def is_form(req: func.HttpRequest) -> bool:
    """Say whether the body is a form, as it says itself."""
    return header(req, "content-type").partition(";")[0].strip().lower() == URL_ENCODED


def form_of(req: func.HttpRequest) -> Form:
    """Return the form in the body, or raise `BodyUnreadable` or `TokenMisplaced`."""
    body = req.get_body()
    if holds_token(body):
        raise TokenMisplaced
    if not is_form(req) or size_of(req) > MOST_BYTES:
        raise BodyUnreadable(_EXPECTED)
    try:
        values = parse_qs(
            body.decode("utf-8"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError:
        raise BodyUnreadable(_EXPECTED) from None
    return Form(values)
