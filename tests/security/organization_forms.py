"""What is typed into each form of a page that names an organization, by the Function that reads it.

`ORG` is the organization, `ID-OF-ann` the id of an account.
"""

from collections.abc import Mapping

from tests.security.access_table import NOBODYS

_TOKEN = {"name": "build", "scope": "read"}
_OF_ANN = {"account": "ID-OF-ann"}
_OF_NOBODY = {"token": NOBODYS}
_MESSAGE = {"message": "Use another."}
_VERSION = {"version": "1.0.0"}

# The forms of an organization's own pages, by what their Functions are called after
# `account_organization_`.
_OF_ORGANIZATIONS: Mapping[str, Mapping[str, str]] = {
    "invite": {"role": "member", "email": "kim@example.org"},
    "role": {**_OF_ANN, "role": "member"},
    "remove": _OF_ANN,
    "undo": _OF_ANN,
    "withdraw": {"invitation": NOBODYS},
    "held_confirm": {"name": "held", "version": "1.0.0"},
    "held_refuse": {"name": "held", "version": "1.0.0"},
    "held_confirm_all": {"until": "0"},
    "held_refuse_all": {"until": "0"},
    "held_revoke": _OF_NOBODY,
    "packages_deprecate": _MESSAGE,
    "packages_undeprecate": {},
    "packages_visibility": {"visibility": "public"},
    "packages_pushers": {"pushers": "publishers"},
    "packages_versions_deprecate": {**_MESSAGE, **_VERSION},
    "packages_versions_undeprecate": _VERSION,
    "publishers_add": {
        "provider": "github",
        "package": "public",
        "repository_id": "1",
        "repository_owner_id": "2",
        "workflow": "release.yml",
    },
    "publishers_remove": {"publisher": NOBODYS},
    "describe": {"display_name": "Other", "description": "Another one."},
    "visibility": {"visibility": "public"},
    "delete": {},
    "keep": {},
    "tokens_issue": _TOKEN,
    "tokens_rotate": _OF_NOBODY,
    "tokens_revoke": _OF_NOBODY,
    "leave": {"org": "ORG"},
}

FIELDS: Mapping[str, Mapping[str, str]] = {
    **{f"account_organization_{name}": fields for name, fields in _OF_ORGANIZATIONS.items()},
    "account_token_issue": {**_TOKEN, "org": "ORG"},
    "manage_organization_delete": {"name": "ORG"},
    "manage_organization_keep": {"name": "ORG"},
    "manage_organization_found": {"name": "ORG", "owner": "ID-OF-ann"},
}
