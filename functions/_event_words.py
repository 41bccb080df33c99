"""Events of an organization's log as sentences: who did what to what."""

from collections.abc import Mapping

from shared.domain.identity import OPERATOR_ID, UPKEEP
from shared.domain.organizations import Organization
from shared.domain.package import Event

# What follows the name of whoever did it. `subject` is what it was done to, `account` whom it
# concerns; the others are details of such an event.
PHRASES = {
    "domain.claimed": "added the domain {domain}",
    "domain.lapsed": "found the domain {domain} no longer proven",
    "domain.removed": "gave the domain {domain} up",
    "domain.verified": "proved the domain {domain}",
    "invitation.accepted": "accepted an invitation",
    "invitation.declined": "declined an invitation",
    "invitation.renewed": "invited somebody again",
    "invitation.sent": "invited somebody",
    "invitation.withdrawn": "withdrew an invitation",
    "member.hidden": "hid from others that they are a member",
    "member.removed": "took {account} out",
    "member.set": "made {account} {after}",
    "member.shown": "shows everybody that they are a member",
    "organization.changed": "changed what {subject} says of itself",
    "organization.deleting": "began to delete {subject}",
    "organization.founded": "founded {subject}",
    "organization.kept": "kept {subject} after all",
    "organization.released": "released the name {subject}",
    "owner.pending": "began to change what {account} is",
    "owner.undone": "undid a change of {account}",
    "package.deprecated": "deprecated {subject}",
    "package.private": "made {subject} private",
    "package.public": "made {subject} public",
    "package.pushers-changed": "changed who pushes to {subject}",
    "package.undeprecated": "took the deprecation of {subject} back",
    "publisher.added": "added a trusted publisher of {subject}",
    "publisher.bound": "made {subject} as its publisher",
    "publisher.refused": "was refused as a publisher",
    "publisher.removed": "removed a trusted publisher of {subject}",
    "release.awaiting-owner": "published {subject}, which waits for an owner",
    "release.confirmed": "confirmed {subject}",
    "release.deprecated": "deprecated {subject}",
    "release.held": "held {subject} back",
    "release.live": "gave {subject} back",
    "release.published": "published {subject}",
    "release.quarantined": "quarantined {subject}",
    "release.removed": "removed {subject}",
    "release.undeprecated": "took the deprecation of {subject} back",
    "token.issued": "made the token {name}",
    "token.leaked": "revoked the token {name}, which was found in the open",
    "token.renamed": "renamed the token {before} to {after}",
    "token.revoked": "revoked the token {name}",
    "token.stolen": "revoked the token {name} as stolen, with everything that was made with it",
    "token.rotated": "gave the token {name} a new text",
}

# The kinds that a page offers to look for: each is the beginning of some.
KINDS = (
    ("", "Everything"),
    ("release.", "Releases"),
    ("package.", "Packages"),
    ("member.", "Members"),
    ("owner.", "Changes of owners"),
    ("invitation.", "Invitations"),
    ("token.", "Tokens"),
    ("publisher.", "Trusted publishers"),
    ("domain.", "Domains"),
    ("organization.", "The organization"),
)


class _Known(dict[str, str]):
    """Details, of which an old event may lack some."""

    def __missing__(self, key: str) -> str:
        return f"(no {key})"


def actors(names: Mapping[str, str], organization: Organization) -> Mapping[str, str]:
    """Return what to call those who do something: by the ids that events have for them."""
    machines = {
        organization.id: f"A token of {organization.name}",
        OPERATOR_ID: "The operator",
        UPKEEP.id: "The registry",
    }
    return {**names, **machines}


def sentence(event: Event, names: Mapping[str, str]) -> str:
    """Return what happened, as a sentence without its full stop."""
    who = names.get(event.actor, event.actor) or "Somebody"
    phrase = PHRASES.get(event.kind)
    if phrase is None:
        words = event.kind.replace(".", ": ").replace("-", " ")
        return f"{who}, {words}: {event.subject}"
    account = event.details.get("account", event.account)
    known = _Known(event.details, subject=event.subject, account=names.get(account, account))
    return f"{who} {phrase.format_map(known)}"
