"""Organizations and their settings: creating one, its profile, its continuation, its deletion, and
burst detection."""

from collections.abc import Sequence
from typing import Annotated

from msgspec.structs import replace
from pydantic import Field

from shared.domain.accounts import Account
from shared.domain.errors.base import Conflict, about_field
from shared.domain.names import OrgName, parse_org
from shared.domain.organizations import MAX_LINKS, Organization
from shared.domain.packages import RequiredProvenance
from shared.domain.principals import Principal
from shared.domain.scopes import Action
from shared.domain.text_lines import MAX_DESCRIPTION, MAX_DISPLAY_NAME
from shared.domain.visibility import Visibility
from shared.registry import Registry
from shared.services.organizations.organizations import OrganizationProfile
from shared.use_cases.inputs import (
    FormField,
    Inputs,
    Nothing,
    Reason,
    choice,
    lines,
    optional_text,
    text,
)
from shared.use_cases.use_case import use_case

LINKS_MEANING = "Web pages about it, which its public page lists: https:// addresses."
REQUIRES_PROVENANCE_MEANING = (
    "What new releases need: ci for a job of a trusted publisher, sigstore for one that sends a "
    "Sigstore bundle as well, or none."
)
DEFAULT_VISIBILITY_MEANING = "The visibility of new packages whose archive does not set it."


# A form that has no such field leaves it as it is.
def _text_to_change(values: Sequence[str]) -> str | None:
    return text(values) if values else None


def _links_to_change(values: Sequence[str]) -> list[str] | None:
    return lines(values) if values else None


class NewOrganization(Inputs):
    """The permanent name and the profile of a new organization."""

    name: Annotated[
        str,
        FormField(
            "Name", hint="Letters, digits and underscores. The name cannot be changed later."
        ),
    ] = Field(description="Never changes.")
    display_name: str = Field(default="", max_length=MAX_DISPLAY_NAME)
    description: str = Field(default="", max_length=MAX_DESCRIPTION)
    links: list[str] = Field(default=[], max_length=MAX_LINKS, description=LINKS_MEANING)
    default_visibility: Visibility = Field(
        default=Visibility.PUBLIC, description=DEFAULT_VISIBILITY_MEANING
    )


class OrganizationChange(Inputs):
    """The fields to change."""

    display_name: Annotated[str | None, FormField("Display name", read=_text_to_change)] = Field(
        default=None, max_length=MAX_DISPLAY_NAME
    )
    description: Annotated[str | None, FormField("Description", read=_text_to_change)] = Field(
        default=None, max_length=MAX_DESCRIPTION
    )
    links: Annotated[
        list[str] | None,
        FormField(
            "Links",
            hint="Optional. One https address a line; the public page lists them",
            read=_links_to_change,
        ),
    ] = Field(default=None, max_length=MAX_LINKS, description=LINKS_MEANING)
    default_visibility: Visibility | None = Field(
        default=None, description=DEFAULT_VISIBILITY_MEANING
    )


class DefaultVisibility(Inputs):
    """Who is to see new packages."""

    default_visibility: Annotated[
        Visibility,
        FormField(
            "Visibility of new packages",
            hint="Used for packages whose manifest does not set it. If private, the organization "
            "itself is visible only to its members",
            name="visibility",
            read=choice(Visibility, "Choose a default visibility: public, internal or private."),
        ),
    ] = Field(description=DEFAULT_VISIBILITY_MEANING)


class ProvenanceRequirement(Inputs):
    """What new releases need."""

    requires_provenance: Annotated[
        RequiredProvenance,
        FormField(
            "New releases are published",
            hint="A push that does not meet this is refused; releases that are there stay",
            read=choice(RequiredProvenance, "Choose what new releases need."),
        ),
    ] = Field(description=REQUIRES_PROVENANCE_MEANING)


class NewContinuation(Inputs):
    """The organization that is to continue another one."""

    continued_as: Annotated[
        str | None, FormField(hint="Leave it empty for none", read=optional_text)
    ] = Field(description="Its name; null for none.")
    reason: Annotated[str, FormField("Reason")] = Field(
        default="",
        max_length=MAX_DESCRIPTION,
        description="Required for organizations of others; their owners read it.",
    )


@use_case(
    "Create an organization; you become its owner.",
    inputs=NewOrganization,
    right=Action.MANAGE,
    done="Organization created. Open it to invite members and add trusted publishers.",
    printed="Created the organization {name}. {owner} owns it.",
)
async def create(
    registry: Registry, founder: Account, new: NewOrganization, by: Principal
) -> Organization:
    profile = OrganizationProfile.parse(
        new.display_name, new.description, new.default_visibility, new.links
    )
    with about_field("name", Conflict):
        org = parse_org(new.name)
        organizations = registry.organizations.organizations
        return await organizations.create(org, founder, by=by, profile=profile)


# Only the default visibility requires a recent sign-in, so pages have a separate form for it.
@use_case(
    "Change the profile of an organization; its name cannot be changed.",
    inputs=OrganizationChange,
    right=Action.MANAGE,
    done="Profile saved.",
)
async def change(
    registry: Registry, org: OrgName, wanted: OrganizationChange, by: Principal
) -> Organization:
    profile = OrganizationProfile.parse(
        wanted.display_name, wanted.description, wanted.default_visibility, wanted.links
    )
    return await registry.organizations.organizations.change(org, profile, by=by)


@use_case(
    "Change the default visibility of an organization.",
    inputs=DefaultVisibility,
    right=Action.GOVERN,
    done="Default visibility saved. Existing packages are not affected.",
)
async def change_default_visibility(
    registry: Registry, org: OrgName, wanted: DefaultVisibility, by: Principal
) -> Organization:
    profile = OrganizationProfile(default_visibility=wanted.default_visibility)
    return await registry.organizations.organizations.change(org, profile, by=by)


@use_case(
    "Require of new releases of an organization that CI published them; for owners who signed in "
    "recently.",
    inputs=ProvenanceRequirement,
    right=Action.GOVERN,
    done="Saved. Releases that are there stay as they are.",
    printed="New releases of {org} need: {requires_provenance}.",
)
async def require_provenance(
    registry: Registry, org: OrgName, wanted: ProvenanceRequirement, by: Principal
) -> Organization:
    profile = OrganizationProfile(requires_provenance=wanted.requires_provenance)
    return await registry.organizations.organizations.change(org, profile, by=by)


@use_case(
    "Say which organization continues this one, which takes no new packages then; for owners who "
    "signed in recently.",
    inputs=NewContinuation,
    right=Action.GOVERN,
    done="Continuation saved. Owners were notified by email.",
    printed="{org} is continued as {continued_as}.",
)
async def continue_as(
    registry: Registry, org: OrgName, sent: NewContinuation, by: Principal
) -> Organization:
    with about_field("continued_as"):
        wanted = parse_org(sent.continued_as) if sent.continued_as else None
    return await registry.organizations.continuation.change(org, wanted, sent.reason, by=by)


# The API and pages end a continuation by an empty name. The command that ends one has its own
# sentence.
end_continuation = replace(continue_as, printed="{org} is not continued elsewhere.")


@use_case(
    "Delete an organization that never published anything, in 48 hours; for administrators at "
    "once.",
    inputs=Reason,
    right=Action.GOVERN,
    done="Deletion scheduled. Any owner can cancel it within 48 hours.",
    printed="Deleted the organization {org}.",  # A deletion by the operator takes effect at once.
)
async def delete(registry: Registry, org: OrgName, sent: Reason, by: Principal) -> Organization:
    return await registry.organizations.deletion.delete(org, by=by, reason=sent.reason)


async def _delete_for_a_reason(
    registry: Registry, org: OrgName, sent: Reason, by: Principal
) -> Organization:
    with about_field("reason"):
        return await delete.rule(registry, org, sent, by)


# A deletion by an administrator takes effect at once, too.
delete_as_administrator = replace(
    delete,
    rule=_delete_for_a_reason,
    done="Organization deleted. Its name becomes available again a day later.",
)


@use_case(
    "Cancel the deletion of an organization.",
    inputs=Nothing,
    right=Action.GOVERN,
    done="Deletion canceled. The owners were notified by email.",
    printed="The organization {org} is not deleted.",
)
async def cancel_deletion(
    registry: Registry, org: OrgName, _: Nothing, by: Principal
) -> Organization:
    return await registry.organizations.deletion.cancel(org, by=by)


@use_case(
    "Switch burst detection off for a day; for administrators who signed in recently.",
    inputs=Nothing,
    right=Action.OPERATE,
    printed="Burst detection is off for {org} for a day.",
)
async def allow_bursts(registry: Registry, org: OrgName, _: Nothing, by: Principal) -> None:
    await registry.administration.organizations.allow_bursts(org, by=by)
