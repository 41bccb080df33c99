"""Inputs of a use case are read from a form, and shown in one."""

from enum import Enum
from typing import Annotated

import pytest
from pydantic import Field

from shared.domain.errors.base import InvalidRequest
from shared.use_cases.inputs import (
    FormField,
    FormValues,
    Inputs,
    choice,
    inputs_of_form,
    is_checked,
    lines,
    shown_fields,
    value_of,
    words,
)


class Colour(Enum):
    RED = "red"
    GREEN = "green"


def size_of(form: FormValues) -> str:
    return f"{value_of(form, 'width')} by {value_of(form, 'height')}"


class Wall(Inputs):
    """A wall, whose size a form asks for in two fields."""

    size: Annotated[str, FormField(read_form=size_of)] = ""


class Paint(Inputs):
    """What is painted, and how."""

    name: Annotated[str, FormField("Name", hint="Of the wall")] = Field(max_length=5)
    colour: Annotated[Colour, FormField("Colour", read=choice(Colour, "Choose a colour."))]
    walls: Annotated[list[str], FormField("Walls", name="wall", read=lines)] = Field(default=[])
    rooms: Annotated[list[str], FormField("Rooms", read=words)] = Field(default=[])
    twice: Annotated[bool, FormField(read=is_checked)] = False
    layers: int = 1


def of_form(**values: list[str]) -> Paint:
    return inputs_of_form(Paint, values)


def test_each_field_of_a_form_is_read_as_it_says() -> None:
    paint = of_form(
        name=[" hall "],
        colour=["green"],
        wall=["east\nwest"],
        rooms=["attic, cellar"],
        twice=["yes"],
    )
    assert paint == Paint.model_validate(
        {
            "name": "hall",
            "colour": Colour.GREEN,
            "walls": ["east", "west"],
            "rooms": ["attic", "cellar"],
            "twice": True,
        }
    )


def test_what_a_form_leaves_out_is_empty() -> None:
    paint = of_form(colour=["red"])
    assert (paint.name, paint.walls, paint.rooms, paint.twice) == ("", [], [], False)


def test_what_no_form_asks_for_has_its_default() -> None:
    assert of_form(colour=["red"], layers=["3"]).layers == 1


def test_a_choice_that_is_none_is_refused_with_the_sentence_of_its_field() -> None:
    with pytest.raises(InvalidRequest, match=r"^Choose a colour\.$"):
        of_form(colour=["blue"])


def test_a_field_is_read_from_several_fields_of_a_form() -> None:
    assert inputs_of_form(Wall, {"width": [" 3"], "height": ["4"]}).size == "3 by 4"


def test_bounds_are_left_to_the_rule() -> None:
    assert of_form(name=["a long name"], colour=["red"]).name == "a long name"


def test_a_template_reads_names_labels_hints_and_bounds() -> None:
    fields = shown_fields(Paint)
    assert [*fields] == ["name", "colour", "walls", "rooms", "twice"]
    name = fields["name"]
    assert (name.name, name.label, name.hint, name.max_length) == ("name", "Name", "Of the wall", 5)
    assert fields["walls"].name == "wall"
