"""Events as sentences: the phrase of each kind, for audit logs and histories of packages."""

from collections.abc import Mapping

from shared.domain.change_feed import ChangeKind
from shared.domain.events import Event
from shared.domain.organizations import Organization
from shared.domain.package_history import CredentialKind, HistoryEntry
from shared.domain.principals import ACTOR_NAMES
from shared.services.packages.history import HistoryPage

# Every kind of event, and the words after the name of the actor. `subject` and `account` are fields
# of the event, the other names are keys of its details. A test compares this with the code.
EVENT_PHRASES: Mapping[str, str] = {
    "account.appointed": "made {account} an administrator",
    "account.created": "created the account {name}",
    "account.deleted": "deleted the account {subject}",
    "account.dismissed": "removed the administrator role of {account}",
    "auditor.appointed": "made {account} an auditor",
    "auditor.dismissed": "removed the auditor role of {account}",
    "account.erasing": "announced the erasure of the account {account}",
    "account.exported": "exported the data of {account}",
    "account.kept": "canceled the erasure of the account {account}",
    "account.lock-confirmed": "confirmed that the directory locks {account}",
    "account.lock-rejected": "decided that {account} stays unlocked, whatever the directory says",
    "account.lock-waits": "asked administrators to confirm the lock of {account}",
    "account.locked": "locked {account}",
    "account.mail-distrusted": "stopped using the mail address of {account}, because of its domain",
    "account.mail-trusted": "started using the mail address of {account} again",
    "account.renamed": "renamed the account {before} to {after}",
    "account.unlocked": "unlocked {account}",
    "advisory-set.imported": "imported advisories as {subject}, {records} in all",
    "advisory-set.removed": "removed the advisories {subject}",
    "advisory.added": "created the advisory {subject}",
    "advisory.affects": "found that {advisory} affects {subject}",
    "advisory.assessed": "assessed {advisory} for {subject}: {state}",
    "advisory.changed": "changed the advisory {subject}",
    "advisory.imported": "imported the advisory {subject}",
    "advisory.published": "published the advisory {subject}",
    "advisory.retracted": "withdrew the assessment of {advisory} for {subject}",
    "advisory.withdrawn": "withdrew the advisory {subject}",
    "approval.approved": "approved the request for {subject}",
    "approval.asked": "requested approval of {subject}, versions {wanted}: {reason}",
    "approval.changed": "approved {releases} of other registries: {reason}",
    "approval.refused": "refused the request for {subject}: {answer}",
    "approval.withdrawn": "withdrew the approval of {releases}: {reason}",
    "dependency.withdrawn": "found that {dependency}, a dependency of {subject}, was withdrawn",
    "device.approved": "connected the device {client}",
    "device.refused": "denied the device {client}",
    "dispute.appealed": "appealed in the dispute about the name {subject}",
    "dispute.decided": "decided the dispute about the name {subject}: {outcome}",
    "dispute.opened": "opened a dispute about the name {subject}",
    "dispute.stated": "added a statement to the dispute about the name {subject}",
    "dispute.withdrawn": "withdrew the claim to the name {subject}",
    "groups.rules": "changed the rules about groups",
    "identity.linked": "linked a sign-in method of {account}",
    "identity.removed": "removed a sign-in method of {account}",
    "invitation.accepted": "accepted an invitation",
    "invitation.confirmed": "took over an invitation",
    "invitation.declined": "declined an invitation",
    "invitation.renewed": "renewed an invitation",
    "invitation.sent": "sent an invitation",
    "invitation.withdrawn": "revoked an invitation",
    "member.removed": "removed {account}",
    "member.set": "changed the role of {account} to {after}",
    "mirror.admitted": "allowed {subject} regardless of its age",
    "mirror.incident": "found that an upstream changed the archive of {subject}",
    "mirror.kept": "decided to keep serving {subject}, which was removed from {upstream}",
    "mirror.refused": "refused {subject} from an upstream",
    "mirror.removed": "found that {subject} was removed upstream",
    "mirror.restored": "found that {subject} is available upstream again",
    "mirror.retried": "accepted {subject}, which was refused before",
    "mirror.rules": "changed the rules of the mirror",
    "mirror.withheld": "decided to withhold {subject}, which was removed from {upstream}",
    "name.moved": "moved the name {subject} from {before} to {after}",
    "name.released": "ended the reservation of {pattern}",
    "name.reserved": "reserved the names {pattern}",
    "notice.announced": "announced a notice on all pages",
    "notice.ended": "ended the notice on all pages",
    "organization.bursts-allowed": "switched burst detection off for a day",
    "organization.changed": "changed the profile of {subject}",
    "organization.continued": "set the organization that continues {subject} to {continued_as}",
    "organization.deleting": "scheduled the deletion of {subject}",
    "organization.founded": "created {subject}",
    "organization.frozen": "froze {subject}",
    "organization.kept": "canceled the deletion of {subject}",
    "organization.ownerless": "found that no owner of {subject} can sign in",
    "organization.released": "released the name {subject}",
    "organization.quota-changed": "changed the limits of {subject}",
    "organization.rules-changed": "changed the rules of {subject} about what is published",
    "organization.unfrozen": "ended the freeze of {subject}",
    "owner.confirmed": "took over the change of the role of {account}",
    "owner.held": "put the change of the role of {account} on hold",
    "owner.pending": "requested a change of the role of {account}",
    "owner.resumed": "resumed the change of the role of {account}",
    "owner.undone": "canceled the change of the role of {account}",
    "ownership.closed": "ended the request of {account} for the ownership of {subject}",
    "ownership.granted": "gave the ownership of {subject} to {account}",
    "ownership.refused": "refused the ownership of {subject} to {account}",
    "ownership.requested": "requested the ownership of {subject}",
    "package.deprecated": "deprecated {subject}",
    "package.frozen": "froze {subject}",
    "package.held": "held the package {subject}",
    "package.internal": "made {subject} internal",
    "package.moved": "moved {subject} with the name of its organization",
    "package.private": "made {subject} private",
    "package.public": "made {subject} public",
    "package.pushers-changed": "changed the publishing access of {subject}",
    "package.released": "ended the hold of the package {subject}",
    "package.successor-changed": "changed the successor of {subject}: {successor}",
    "package.undeprecated": "undeprecated {subject}",
    "package.unfrozen": "ended the freeze of {subject}",
    "policy.changed": "changed the policy for {subject}",
    "policy.reset": "restored the default policy for {subject}",
    "proposal.confirmed": "carried out a proposal about {about}",
    "proposal.expired": "ended a proposal about {about}, which nobody confirmed in time",
    "proposal.made": "proposed a decision about {about}",
    "proposal.rejected": "rejected a proposal about {about}",
    "proposal.withdrawn": "withdrew a proposal about {about}",
    "publisher.added": "added a trusted publisher of {subject}",
    "publisher.bound": "created {subject} through its pending trusted publisher",
    "publisher.confirmed": "confirmed a trusted publisher of {subject}",
    "publisher.refused": "was refused as a trusted publisher",
    "publisher.removed": "removed a trusted publisher of {subject}",
    "registry.read-only": "switched read-only mode on",
    "registry.limited": "noted that {subject} may use only approved packages",
    "registry-file.applied": "applied a registry file that names {subject}",
    "registry.rules-changed": "changed the rules of the registry about what is published",
    "registry.writable": "switched read-only mode off",
    "release.awaiting-case": "published {subject}, which waits because its package is held",
    "release.awaiting-owner": "published {subject}, which was held for an owner",
    "release.approved": "approved {subject}, which waits for a further approval",
    "release.awaiting-review": "published {subject}, which waits for its review",
    "release.awaiting-scan": "published {subject}, which the registry's scanner did not accept",
    "release.awaiting-sigstore": "published {subject}, which waits for its Sigstore bundle",
    "release.confirmed": "confirmed {subject}",
    "release.deprecated": "deprecated {subject}",
    "release.erased": "deleted the archive of {subject}",
    "release.held": "held {subject}",
    "release.live": "restored {subject}",
    "release.mirrored": "mirrored {subject}",
    "release.owner-erased": "erased {subject} as an owner",
    "release.owner-held": "held {subject} as an owner",
    "release.owner-restored": "restored {subject} as an owner",
    "release.published": "published {subject}",
    "release.quarantined": "quarantined {subject}",
    "release.refused": "refused to publish {subject}",
    "release.removed": "removed {subject}",
    "release.undeprecated": "undeprecated {subject}",
    "report.decided": "decided a report about {subject}: {outcome}",
    "report.made": "reported {subject}: {why}",
    "scim.group-changed": "changed the members or the name of the group {name}",
    "scim.group-created": "provisioned the group {name}",
    "scim.group-removed": "removed the group {name}",
    "scim.takeover": "let the directory {directory} take over {account}",
    "scim.token-issued": "created a token of the directory {directory}",
    "scim.token-revoked": "revoked a token of the directory {directory}",
    "scim.user-changed": "updated {account} from the directory {directory}",
    "scim.user-created": "provisioned a user of the directory {directory}",
    "scim.user-removed": "removed a user of the directory {directory}",
    "session.copied": "ended a session of {account}, whose cookie was copied",
    "session.ended": "ended a session of {account}",
    "session.renewed": "signed in again",
    "session.started": "signed in",
    "sign-in-link.issued": "created a sign-in link for {account}",
    "task.asked": "requested a run of the task {name}",
    "token.confirmed": "confirmed the token {name}",
    "token.ended": "ended its token {name}",
    "token.issued": "created the token {name}",
    "token.leaked": "revoked the token {name}, which had leaked",
    "token.renamed": "renamed the token {before} to {after}",
    "token.revoked": "revoked the token {name}",
    "token.rotated": "rotated the token {name}",
    "webhook.added": "added the webhook {subject} to {host}",
    "webhook.changed": "changed the events of the webhook {subject} to {host}",
    "webhook.confirmed": "confirmed the webhook {subject} to {host}",
    "webhook.removed": "removed the webhook {subject} to {host}",
    "webhook.replayed": "sent deliveries of the webhook {subject} to {host} again",
    "webhook.rotated": "rotated the secret of the webhook {subject} to {host}",
}


class _EventDetails(dict[str, str]):
    """The details of an event; old events lack some."""

    def __missing__(self, key: str) -> str:
        return f"(no {key})"


def actor_names(
    names: Mapping[str, str], organization: Organization | None = None
) -> Mapping[str, str]:
    """Return the names of accounts, and of actors that are none, by their ids."""
    tokens = {organization.id: f"A token of {organization.name}"} if organization else {}
    return {**names, **tokens, **ACTOR_NAMES}


def event_sentence(event: Event, names: Mapping[str, str]) -> str:
    """Return the event as a sentence without a full stop."""
    actor = names.get(event.actor, event.actor) or "Somebody"
    account = event.details.get("account", event.account)
    phrase = event_phrase(event, names.get(account, account))
    if phrase is None:
        words = event.kind.replace(".", ": ").replace("-", " ")
        return f"{actor}, {words}: {event.subject}"
    return f"{actor} {phrase}"


def event_phrase(event: Event, account: str) -> str | None:
    """Return what the actor did; `account` is the name of the account that the event is about. None
    for a kind of event that this version does not know."""
    phrase = EVENT_PHRASES.get(event.kind)
    if phrase is None:
        return None
    details = _EventDetails(event.details, subject=event.subject, account=account)
    if details.get("continued_as") == "":
        details["continued_as"] = "none"  # A continuation that ended names no organization.
    return phrase.format_map(details)


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
