"""The inputs of use cases: a model whose fields the API, the forms and the commands read.

A field has its name, type, bounds and default, and in `description` what openapi.json and the
options of commands say of it. `FormField` says how pages ask for it:

    name: Annotated[str, FormField("Name", hint="What the token is for")] = Field(
        max_length=MAX_TOKEN_NAME_LENGTH
    )
"""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Annotated, Any, TypeVar

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from shared.domain.errors.base import InvalidRequest
from shared.domain.text_lines import MAX_DESCRIPTION

EnumT = TypeVar("EnumT", bound=Enum)
InputsT = TypeVar("InputsT", bound="Inputs")


class Inputs(BaseModel):
    """The inputs of a use case; the body of a request has no other fields.

    Forms and commands make them with `model_construct`: what they may be is left to the rule, whose
    refusals are sentences for people.
    """

    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", strict=True, defer_build=True
    )


class Nothing(Inputs):
    """The inputs of a use case that asks for nothing, and whose body is not read."""


# The values of a form, by the names of its fields.
FormValues = Mapping[str, Sequence[str]]
# How a field is read from the values that a form has for it: none where it was left out.
Read = Callable[[Sequence[str]], Any]
# How a field is read for which a form has several fields.
ReadForm = Callable[[FormValues], Any]


def value_of(form: FormValues, name: str) -> str:
    """Return the first value of a field of a form, without surrounding blanks."""
    return text(form.get(name, ()))


def text(values: Sequence[str]) -> str:
    """Read the first value, without surrounding blanks."""
    return values[0].strip() if values else ""


def optional_text(values: Sequence[str]) -> str | None:
    """Read the first value, or None where it is empty."""
    return text(values) or None


def lines(values: Sequence[str]) -> list[str]:
    """Read the lines of the first value."""
    return text(values).splitlines()


def words(values: Sequence[str]) -> list[str]:
    """Read the words of the first value, between blanks or commas."""
    return text(values).replace(",", " ").split()


def is_checked(values: Sequence[str]) -> bool:
    """Read a checkbox, which sends a value when it is checked."""
    return bool(values)


def choice(kind: type[EnumT], otherwise: str) -> Callable[[Sequence[str]], EnumT]:
    """Return how a member of `kind` is read; the sentence `otherwise` refuses other values."""

    def read(values: Sequence[str]) -> EnumT:
        try:
            return kind(text(values))
        except ValueError:
            raise InvalidRequest(otherwise) from None

    return read


class FormField(Struct, frozen=True):
    """How a page asks for a field of the inputs, under a `name` of its own if it has one.

    `read_form` reads a field for which a form has several fields.
    """

    label: str = ""
    hint: str = ""
    name: str = ""
    read: Read = text
    read_form: ReadForm | None = None

    def value(self, form: FormValues, name: str) -> Any:
        """Read the field of this name in the inputs."""
        if self.read_form is not None:
            return self.read_form(form)
        return self.read(form.get(self.name or name, ()))


class ShownField(Struct, frozen=True):
    """A field as a template shows it."""

    name: str
    label: str
    hint: str
    max_length: int | None


@cache
def shown_fields(model: type[Inputs]) -> Mapping[str, ShownField]:
    """Return the fields that a form asks for, by their names in the model."""
    return {
        name: ShownField(
            name=asked.name or name,
            label=asked.label,
            hint=asked.hint,
            max_length=_max_length(model.model_fields[name]),
        )
        for name, asked in _form_fields(model).items()
    }


def inputs_of_form(model: type[InputsT], form: FormValues) -> InputsT:
    """Read the inputs from the values of a form.

    Raises `InvalidRequest` for what cannot be read. The bounds are left to the rule of the use
    case, whose refusals are sentences for people.
    """
    read = {name: asked.value(form, name) for name, asked in _form_fields(model).items()}
    return model.model_construct(**read)


def _form_fields(model: type[Inputs]) -> Mapping[str, FormField]:
    return {
        name: asked
        for name, field in model.model_fields.items()
        for asked in field.metadata
        if isinstance(asked, FormField)
    }


def _max_length(field: FieldInfo) -> int | None:
    bounds = (getattr(each, "max_length", None) for each in field.metadata)
    return next((bound for bound in bounds if bound is not None), None)


class Reason(Inputs):
    """Why somebody takes something from others."""

    # Its label is the one of all reasons, in functions/templates/_parts.html.
    reason: Annotated[str, FormField()] = Field(
        default="",
        max_length=MAX_DESCRIPTION,
        description="Why; required of administrators who do not own the organization.",
    )
