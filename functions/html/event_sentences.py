"""Events as sentences and as labels, for audit logs and histories of packages."""

from collections.abc import Mapping
from typing import NamedTuple

from shared.domain.change_feed import ChangeKind
from shared.domain.events import Event
from shared.domain.organizations import Organization
from shared.domain.package_history import CredentialKind, HistoryEntry
from shared.domain.principals import ACTOR_NAMES
from shared.services.packages.history import HistoryPage

EVENTS_PER_PAGE = 25  # A screen or two.


class EventText(NamedTuple):
    """What pages say of a kind of event.

    `phrase` are the words after the name of the actor: `subject` and `account` are fields of the
    event, the other names are keys of its details. `label` is the event in a list about one thing.
    """

    phrase: str
    label: str


# Every kind of event. A test compares this with the code.
EVENT_TEXTS: Mapping[str, EventText] = {
    "account.appointed": EventText("made {account} an administrator", "Administrator role added"),
    "account.created": EventText("created the account {name}", "Account created"),
    "account.deleted": EventText("deleted the account {subject}", "Account deleted"),
    "account.dismissed": EventText(
        "removed the administrator role of {account}", "Administrator role removed"
    ),
    "auditor.appointed": EventText("made {account} an auditor", "Auditor role added"),
    "auditor.dismissed": EventText("removed the auditor role of {account}", "Auditor role removed"),
    "account.erasing": EventText(
        "announced the erasure of the account {account}", "Erasure of the account announced"
    ),
    "account.exported": EventText(
        "exported the data of {account}", "Data exported by an administrator"
    ),
    "account.kept": EventText(
        "canceled the erasure of the account {account}", "Erasure of the account canceled"
    ),
    "account.lock-confirmed": EventText(
        "confirmed that the directory locks {account}", "Lock by the directory confirmed"
    ),
    "account.lock-rejected": EventText(
        "decided that {account} stays unlocked, whatever the directory says",
        "Kept, although disabled or gone in the directory",
    ),
    "account.lock-waits": EventText(
        "asked administrators to confirm the lock of {account}",
        "Lock by the directory waits for an administrator",
    ),
    "account.locked": EventText("locked {account}", "Account locked"),
    "account.mail-distrusted": EventText(
        "stopped using the mail address of {account}, because of its domain",
        "Mail address no longer used",
    ),
    "account.mail-trusted": EventText(
        "started using the mail address of {account} again", "Mail address used again"
    ),
    "account.renamed": EventText("renamed the account {before} to {after}", "Account renamed"),
    "account.unlocked": EventText("unlocked {account}", "Account unlocked"),
    "advisory-set.imported": EventText(
        "imported advisories as {subject}, {records} in all", "Advisories imported"
    ),
    "advisory-set.removed": EventText(
        "removed the advisories {subject}", "Imported advisories removed"
    ),
    "advisory.added": EventText("created the advisory {subject}", "Advisory created"),
    "advisory.affects": EventText(
        "found that {advisory} affects {subject}", "Affected by an advisory"
    ),
    "advisory.assessed": EventText(
        "assessed {advisory} for {subject}: {state}", "Advisory assessed"
    ),
    "advisory.changed": EventText("changed the advisory {subject}", "Advisory changed"),
    "advisory.imported": EventText("imported the advisory {subject}", "Advisory imported"),
    "advisory.published": EventText("published the advisory {subject}", "Advisory published"),
    "advisory.retracted": EventText(
        "withdrew the assessment of {advisory} for {subject}", "Assessment of an advisory withdrawn"
    ),
    "advisory.withdrawn": EventText("withdrew the advisory {subject}", "Advisory withdrawn"),
    "approval.approved": EventText(
        "approved the request for {subject}", "Request for a package approved"
    ),
    "approval.asked": EventText(
        "requested approval of {subject}, versions {wanted}: {reason}",
        "Approval of a package requested",
    ),
    "approval.changed": EventText(
        "approved {releases} of other registries: {reason}", "Package of another registry approved"
    ),
    "approval.refused": EventText(
        "refused the request for {subject}: {answer}", "Request for a package refused"
    ),
    "approval.withdrawn": EventText(
        "withdrew the approval of {releases}: {reason}", "Approval of a package withdrawn"
    ),
    "dependency.withdrawn": EventText(
        "found that {dependency}, a dependency of {subject}, was withdrawn", "Dependency withdrawn"
    ),
    "device.approved": EventText("connected the device {client}", "Device connected"),
    "device.refused": EventText("denied the device {client}", "Device denied"),
    "dispute.appealed": EventText(
        "appealed in the dispute about the name {subject}", "Appeal in a dispute about a name"
    ),
    "dispute.decided": EventText(
        "decided the dispute about the name {subject}: {outcome}", "Dispute about a name decided"
    ),
    "dispute.opened": EventText(
        "opened a dispute about the name {subject}", "Dispute about a name opened"
    ),
    "dispute.stated": EventText(
        "added a statement to the dispute about the name {subject}",
        "Statement added to a dispute about a name",
    ),
    "dispute.withdrawn": EventText(
        "withdrew the claim to the name {subject}", "Claim to a name withdrawn"
    ),
    "groups.rules": EventText("changed the rules about groups", "Rules about groups changed"),
    "identity.linked": EventText("linked a sign-in method of {account}", "Sign-in method linked"),
    "identity.removed": EventText(
        "removed a sign-in method of {account}", "Sign-in method removed"
    ),
    "invitation.accepted": EventText("accepted an invitation", "Invitation accepted"),
    "invitation.confirmed": EventText("took over an invitation", "Invitation taken over"),
    "invitation.declined": EventText("declined an invitation", "Invitation declined"),
    "invitation.renewed": EventText("renewed an invitation", "Invitation renewed"),
    "invitation.sent": EventText("sent an invitation", "Invitation sent"),
    "invitation.withdrawn": EventText("revoked an invitation", "Invitation revoked"),
    "member.removed": EventText("removed {account}", "Left an organization"),
    "member.set": EventText("changed the role of {account} to {after}", "Role changed"),
    "mirror.admitted": EventText(
        "allowed {subject} regardless of its age",
        "Release of an upstream allowed regardless of its age",
    ),
    "mirror.incident": EventText(
        "found that an upstream changed the archive of {subject}", "Archive changed by an upstream"
    ),
    "mirror.kept": EventText(
        "decided to keep serving {subject}, which was removed from {upstream}",
        "Release that was removed upstream kept",
    ),
    "mirror.refused": EventText(
        "refused {subject} from an upstream", "Release of an upstream refused"
    ),
    "mirror.removed": EventText(
        "found that {subject} was removed upstream", "Release removed upstream"
    ),
    "mirror.restored": EventText(
        "found that {subject} is available upstream again", "Release available upstream again"
    ),
    "mirror.retried": EventText(
        "accepted {subject}, which was refused before", "Refused release of an upstream accepted"
    ),
    "mirror.rules": EventText("changed the rules of the mirror", "Rules of the mirror changed"),
    "mirror.withheld": EventText(
        "decided to withhold {subject}, which was removed from {upstream}",
        "Release that was removed upstream withheld",
    ),
    "name.moved": EventText("moved the name {subject} from {before} to {after}", "Name moved"),
    "name.released": EventText("ended the reservation of {pattern}", "Reservation of names ended"),
    "name.reserved": EventText("reserved the names {pattern}", "Names reserved"),
    "notice.announced": EventText("announced a notice on all pages", "Notice announced"),
    "notice.ended": EventText("ended the notice on all pages", "Notice ended"),
    "organization.bursts-allowed": EventText(
        "switched burst detection off for a day", "Burst detection switched off for a day"
    ),
    "organization.changed": EventText(
        "changed the profile of {subject}", "Profile of an organization changed"
    ),
    "organization.continued": EventText(
        "set the organization that continues {subject} to {continued_as}",
        "Continuation of an organization changed",
    ),
    "organization.deleting": EventText(
        "scheduled the deletion of {subject}", "Deletion of an organization scheduled"
    ),
    "organization.founded": EventText("created {subject}", "Organization created"),
    "organization.frozen": EventText("froze {subject}", "Organization frozen"),
    "organization.kept": EventText(
        "canceled the deletion of {subject}", "Deletion of an organization canceled"
    ),
    "organization.ownerless": EventText(
        "found that no owner of {subject} can sign in",
        "Organization without an owner who can sign in",
    ),
    "organization.released": EventText(
        "released the name {subject}", "Name of an organization released"
    ),
    "organization.quota-changed": EventText(
        "changed the limits of {subject}", "Limits of an organization changed"
    ),
    "organization.rules-changed": EventText(
        "changed the rules of {subject} about what is published",
        "Publishing rules of an organization changed",
    ),
    "organization.unfrozen": EventText(
        "ended the freeze of {subject}", "Freeze of an organization ended"
    ),
    "owner.confirmed": EventText(
        "took over the change of the role of {account}", "Change of owners taken over"
    ),
    "owner.held": EventText(
        "put the change of the role of {account} on hold", "Change of owners on hold"
    ),
    "owner.pending": EventText(
        "requested a change of the role of {account}", "Change of owners requested"
    ),
    "owner.resumed": EventText(
        "resumed the change of the role of {account}", "Change of owners resumed"
    ),
    "owner.undone": EventText(
        "canceled the change of the role of {account}", "Change of owners canceled"
    ),
    "ownership.closed": EventText(
        "ended the request of {account} for the ownership of {subject}",
        "Request for the ownership ended",
    ),
    "ownership.granted": EventText(
        "gave the ownership of {subject} to {account}", "Ownership given"
    ),
    "ownership.refused": EventText(
        "refused the ownership of {subject} to {account}", "Ownership refused"
    ),
    "ownership.requested": EventText("requested the ownership of {subject}", "Ownership requested"),
    "package.deprecated": EventText("deprecated {subject}", "Package deprecated"),
    "package.frozen": EventText("froze {subject}", "Package frozen"),
    "package.held": EventText("held the package {subject}", "Package held"),
    "package.internal": EventText("made {subject} internal", "Package made internal"),
    "package.moved": EventText(
        "moved {subject} with the name of its organization",
        "Package moved with the name of its organization",
    ),
    "package.private": EventText("made {subject} private", "Package made private"),
    "package.public": EventText("made {subject} public", "Package made public"),
    "package.pushers-changed": EventText(
        "changed the publishing access of {subject}", "Publishing access changed"
    ),
    "package.released": EventText(
        "ended the hold of the package {subject}", "Hold of a package ended"
    ),
    "package.successor-changed": EventText(
        "changed the successor of {subject}: {successor}", "Successor of a package changed"
    ),
    "package.undeprecated": EventText("undeprecated {subject}", "Package undeprecated"),
    "package.unfrozen": EventText("ended the freeze of {subject}", "Freeze of a package ended"),
    "policy.changed": EventText("changed the policy for {subject}", "Policy changed"),
    "policy.reset": EventText(
        "restored the default policy for {subject}", "Default policy restored"
    ),
    "proposal.confirmed": EventText("carried out a proposal about {about}", "Proposal carried out"),
    "proposal.expired": EventText(
        "ended a proposal about {about}, which nobody confirmed in time",
        "Proposal ended without a confirmation",
    ),
    "proposal.made": EventText("proposed a decision about {about}", "Decision proposed"),
    "proposal.rejected": EventText("rejected a proposal about {about}", "Proposal rejected"),
    "proposal.withdrawn": EventText("withdrew a proposal about {about}", "Proposal withdrawn"),
    "publisher.added": EventText(
        "added a trusted publisher of {subject}", "Trusted publisher added"
    ),
    "publisher.bound": EventText(
        "created {subject} through its pending trusted publisher",
        "Package created by a pending trusted publisher",
    ),
    "publisher.confirmed": EventText(
        "confirmed a trusted publisher of {subject}", "Trusted publisher confirmed"
    ),
    "publisher.refused": EventText(
        "was refused as a trusted publisher", "Trusted publisher refused"
    ),
    "publisher.removed": EventText(
        "removed a trusted publisher of {subject}", "Trusted publisher removed"
    ),
    "registry.read-only": EventText("switched read-only mode on", "Read-only mode switched on"),
    "registry.limited": EventText(
        "noted that {subject} may use only approved packages", "Limited to approved packages"
    ),
    "registry-file.applied": EventText(
        "applied a registry file that names {subject}", "Registry file applied"
    ),
    "registry.rules-changed": EventText(
        "changed the rules of the registry about what is published",
        "Publishing rules of the registry changed",
    ),
    "registry.writable": EventText("switched read-only mode off", "Read-only mode switched off"),
    "release.awaiting-case": EventText(
        "published {subject}, which waits because its package is held",
        "Release published, waits because its package is held",
    ),
    "release.awaiting-owner": EventText(
        "published {subject}, which was held for an owner", "Release published, held for an owner"
    ),
    "release.approved": EventText(
        "approved {subject}, which waits for a further approval",
        "Release approved, waits for a further approval",
    ),
    "release.awaiting-review": EventText(
        "published {subject}, which waits for its review", "Release published, waits for its review"
    ),
    "release.awaiting-scan": EventText(
        "published {subject}, which the registry's scanner did not accept",
        "Release published, not accepted by the scanner",
    ),
    "release.awaiting-sigstore": EventText(
        "published {subject}, which waits for its Sigstore bundle",
        "Release published, waits for its Sigstore bundle",
    ),
    "release.confirmed": EventText("confirmed {subject}", "Release confirmed"),
    "release.deprecated": EventText("deprecated {subject}", "Release deprecated"),
    "release.erased": EventText("deleted the archive of {subject}", "Archive of a release deleted"),
    "release.held": EventText("held {subject}", "Release held"),
    "release.live": EventText("restored {subject}", "Release restored"),
    "release.mirrored": EventText("mirrored {subject}", "Release mirrored"),
    "release.owner-erased": EventText("erased {subject} as an owner", "Release erased by an owner"),
    "release.owner-held": EventText("held {subject} as an owner", "Release held by an owner"),
    "release.owner-restored": EventText(
        "restored {subject} as an owner", "Release restored by an owner"
    ),
    "release.published": EventText("published {subject}", "Release published"),
    "release.quarantined": EventText("quarantined {subject}", "Release quarantined"),
    "release.refused": EventText("refused to publish {subject}", "Release refused"),
    "release.removed": EventText("removed {subject}", "Release removed"),
    "release.undeprecated": EventText("undeprecated {subject}", "Release undeprecated"),
    "report.decided": EventText("decided a report about {subject}: {outcome}", "Report decided"),
    "report.made": EventText("reported {subject}: {why}", "Reported"),
    "scim.group-changed": EventText(
        "changed the members or the name of the group {name}", "Group changed by the directory"
    ),
    "scim.group-created": EventText(
        "provisioned the group {name}", "Group provisioned by the directory"
    ),
    "scim.group-removed": EventText("removed the group {name}", "Group removed by the directory"),
    "scim.takeover": EventText(
        "let the directory {directory} take over {account}", "Account taken over by a directory"
    ),
    "scim.token-confirmed": EventText(
        "confirmed a token of the directory {directory}", "Token of a directory confirmed"
    ),
    "scim.token-issued": EventText(
        "created a token of the directory {directory}", "Token of a directory created"
    ),
    "scim.token-revoked": EventText(
        "revoked a token of the directory {directory}", "Token of a directory revoked"
    ),
    "scim.user-changed": EventText(
        "updated {account} from the directory {directory}", "Changed by the directory"
    ),
    "scim.user-created": EventText(
        "provisioned a user of the directory {directory}", "Provisioned by the directory"
    ),
    "scim.user-removed": EventText(
        "removed a user of the directory {directory}", "Removed by the directory"
    ),
    "session.copied": EventText(
        "ended a session of {account}, whose cookie was copied",
        "Session ended because its cookie was copied",
    ),
    "session.ended": EventText("ended a session of {account}", "Session ended"),
    "session.renewed": EventText("signed in again", "Signed in again"),
    "session.started": EventText("signed in", "Signed in"),
    "sign-in-link.issued": EventText(
        "created a sign-in link for {account}", "Sign-in link created"
    ),
    "task.asked": EventText("requested a run of the task {name}", "Maintenance task requested"),
    "token.confirmed": EventText("confirmed the token {name}", "Access token confirmed"),
    "token.ended": EventText("ended its token {name}", "Access token ended by its holder"),
    "token.issued": EventText("created the token {name}", "Access token created"),
    "token.leaked": EventText(
        "revoked the token {name}, which had leaked", "Access token revoked because it leaked"
    ),
    "token.renamed": EventText("renamed the token {before} to {after}", "Access token renamed"),
    "token.revoked": EventText("revoked the token {name}", "Access token revoked"),
    "token.rotated": EventText("rotated the token {name}", "Access token rotated"),
    "webhook.added": EventText("added the webhook {subject} to {host}", "Webhook added"),
    "webhook.changed": EventText(
        "changed the events of the webhook {subject} to {host}", "Events of a webhook changed"
    ),
    "webhook.confirmed": EventText(
        "confirmed the webhook {subject} to {host}", "Webhook confirmed"
    ),
    "webhook.removed": EventText("removed the webhook {subject} to {host}", "Webhook removed"),
    "webhook.replayed": EventText(
        "sent deliveries of the webhook {subject} to {host} again",
        "Deliveries of a webhook sent again",
    ),
    "webhook.rotated": EventText(
        "rotated the secret of the webhook {subject} to {host}", "Secret of a webhook rotated"
    ),
}


class _EventDetails(dict[str, str]):
    """The details of an event; old events lack some."""

    def __missing__(self, key: str) -> str:
        return f"(no {key})"


def actor_names(names: Mapping[str, str], organization: Organization | None) -> Mapping[str, str]:
    """Return the names of accounts, and of actors that are none, by their ids."""
    tokens = {organization.id: f"A token of {organization.name}"} if organization else {}
    return {**names, **tokens, **ACTOR_NAMES}


def event_sentence(event: Event, names: Mapping[str, str]) -> str:
    """Return the event as a sentence without a full stop."""
    actor = names.get(event.actor, event.actor) or "Somebody"
    account = event.details.get("account", event.account)
    phrase = event_phrase(event, names.get(account, account))
    if phrase is None:
        return f"{actor}, {_unknown_kind(event)}: {event.subject}"
    return f"{actor} {phrase}"


def event_phrase(event: Event, account: str) -> str | None:
    """Return what the actor did; `account` is the name of the account that the event is about. None
    for a kind of event that this version does not know."""
    text = EVENT_TEXTS.get(event.kind)
    if text is None:
        return None
    details = _EventDetails(event.details, subject=event.subject, account=account)
    if details.get("continued_as") == "":
        details["continued_as"] = "none"  # A continuation that ended names no organization.
    return text.phrase.format_map(details)


def event_label(event: Event) -> str:
    """Return the event without its actor, such as `Access token created`."""
    text = EVENT_TEXTS.get(event.kind)
    return text.label if text else _unknown_kind(event).capitalize()


def _unknown_kind(event: Event) -> str:
    return event.kind.replace(".", ": ").replace("-", " ")


def event_subject(event: Event) -> str:
    """Return the name of the token, the machine or the organization that an event is about."""
    return event.details.get("name") or event.details.get("client") or event.org or ""


# --- The history of a package --------------------------------------------------------------------

# What everybody may read about a change, after the name of the release or package.
CHANGE_PHRASES: Mapping[ChangeKind, str] = {
    ChangeKind.PUBLISHED: "was published",
    ChangeKind.DEPRECATED: "is deprecated",
    ChangeKind.UNDEPRECATED: "is no longer deprecated",
    ChangeKind.WITHDRAWN: "was withdrawn",
    ChangeKind.RESTORED: "is available again",
}
CREDENTIAL_TEXTS: Mapping[CredentialKind, str] = {
    CredentialKind.SESSION: "Website",
    CredentialKind.TOKEN: "Access token",
    CredentialKind.JOB: "Trusted publisher",
    CredentialKind.OPERATOR: "Command of the operator",
    CredentialKind.REGISTRY: "Registry",
    CredentialKind.UPSTREAM: "Upstream registry",
}
_DELETED = "deleted account"
_SUCCESSOR = "package.successor-changed"  # Not every member may see the successor.
_CHANGED = (("before", "after"), ("visibility_before", "visibility"), ("pushers_before", "pushers"))
_FACTS = ("provider", "issuer", "repository", "workflow", "refs", "ref", "environment")


def history_sentence(entry: HistoryEntry, page: HistoryPage) -> str:
    """Return the change as a sentence without a full stop; only members get names of people."""
    event = entry.event
    if not page.is_for_members:
        package, _, version = event.subject.partition(":")
        change = ChangeKind(event.kind.partition(".")[2])
        return f"{package} {version}".rstrip() + f" {CHANGE_PHRASES[change]}"
    names = actor_names(page.names, page.organization)
    actor = names.get(event.actor) or f"A {_DELETED}"
    if entry.using is CredentialKind.JOB:
        actor = "A trusted publisher"
    if event.kind == _SUCCESSOR:
        return f"{actor} changed the successor of {event.subject}"
    phrase = event_phrase(event, page.names.get(entry.account) or f"a {_DELETED}")
    return f"{actor} {phrase or event.kind}"


def history_facts(entry: HistoryEntry) -> str:
    """Return more facts about a change: the values before and after, or the CI job; may be
    empty."""
    details = entry.event.details
    for before, after in _CHANGED:
        if before in details and after in details:
            return f"{details[before] or 'none'} → {details[after] or 'none'}"
    return ", ".join(details[name] for name in _FACTS if details.get(name))
