"""Packages: changing the visibility and the successor of one."""

from typing import Annotated

from msgspec.structs import replace
from pydantic import Field

from shared.domain.coordinates import Package
from shared.domain.errors.base import about_field
from shared.domain.packages import Head
from shared.domain.principals import Principal
from shared.domain.scopes import Action
from shared.domain.text_lines import MAX_DESCRIPTION
from shared.domain.visibility import Visibility
from shared.registry import Registry
from shared.use_cases.inputs import FormField, Inputs, Reason, choice, optional_text
from shared.use_cases.use_case import use_case

read_visibility = choice(Visibility, "Choose a visibility: public, internal or private.")


class NewVisibility(Reason):
    """Who is to see a package."""

    visibility: Annotated[
        Visibility,
        FormField(read=read_visibility),
    ] = Field(description="Private is only for members of its organization.")


class NewSuccessor(Inputs):
    """The package that is to replace another one."""

    successor: Annotated[
        str | None,
        FormField(
            hint="As organization/name, with a live version; leave it empty for none",
            read=optional_text,
        ),
    ] = Field(description="As org/name, with a live version; null removes the successor.")
    reason: Annotated[str, FormField("Reason")] = Field(
        default="",
        max_length=MAX_DESCRIPTION,
        description="Required for organizations of others; their owners read it.",
    )


@use_case(
    "Make a package public or private; for owners who signed in recently.",
    inputs=NewVisibility,
    right=Action.GOVERN,
    done="Visibility changed.",
    printed="{package} is {visibility}.",
)
async def change_visibility(
    registry: Registry, package: Package, sent: NewVisibility, by: Principal
) -> Head:
    visibility = registry.packages.visibility
    return await visibility.change(package, sent.visibility, by=by, reason=sent.reason)


@use_case(
    "Set the package that replaces another one, whose versions stay; for owners.",
    inputs=NewSuccessor,
    right=Action.MANAGE,
    done="Successor changed. Its name is shown within five seconds.",
    printed="{successor} replaces {package}.",
)
async def set_successor(
    registry: Registry, package: Package, sent: NewSuccessor, by: Principal
) -> Head:
    with about_field("successor"):
        wanted = Package.from_text(sent.successor) if sent.successor else None
    return await registry.packages.successors.change(package, wanted, sent.reason, by=by)


# The API and pages remove a successor by an empty name. The command that removes one has its own
# sentence.
remove_successor = replace(set_successor, printed="No package replaces {package}.")
