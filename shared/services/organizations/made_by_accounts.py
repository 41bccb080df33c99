"""What accounts made for organizations: lists of it, and who takes it over."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from enum import Enum
from urllib.parse import urlsplit

from msgspec import Struct

from shared.domain.accounts import Account
from shared.domain.invitations import Invitation, invitation_id
from shared.domain.mail import EmailAddress
from shared.domain.memberships import Membership
from shared.domain.organizations import Organization, organization_place
from shared.domain.principals import Principal
from shared.domain.queued_mail import Audience, Recipients
from shared.domain.reasons import with_reason
from shared.domain.scim import ScimToken
from shared.domain.tokens import Token
from shared.domain.trusted_publishing.publishers import Publisher
from shared.domain.webhooks import Webhook, webhook_owner
from shared.ports.directory import DirectoryStore
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.runtime.retries import retried_when_stale
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.identity.accounts import account_names
from shared.services.mail_delivery import MailDelivery, mail_text
from shared.services.organizations.webhooks import confirm_webhook
from shared.services.record_batches import RECORDS_AT_ONCE, all_entities, entity_batches
from shared.services.tokens.makers import described
from shared.services.tokens.tokens import TokenRecords
from shared.services.tokens.trusted_publishers import confirm_publisher, is_of_public_package

MadeRecord = Token | Publisher | Webhook | Invitation | Membership | ScimToken
# What organizations have; tokens of directories are of the registry.
_KINDS: tuple[type[MadeRecord], ...] = (Token, Publisher, Webhook, Invitation, Membership)


class MadeKind(Enum):
    """What stops with the account that made it."""

    TOKEN = "token"  # noqa: S105 - no secret.
    PUBLISHER = "publisher"
    WEBHOOK = "webhook"
    INVITATION = "invitation"
    OWNER_CHANGE = "owner-change"
    DIRECTORY_TOKEN = "directory-token"  # noqa: S105 - no secret.


class MadeItem(Struct, frozen=True):
    """Something that an account made. `org` is empty for a webhook of the registry, a token of a
    directory and a token of the account itself; `described` names it for people, and `id` is that
    of the account for a change of owners, which has no `created_ms`."""

    kind: MadeKind
    org: str
    id: str
    name: str
    described: str
    created_ms: int | None


class MadeByAccounts(Struct, frozen=True):
    """Lists what an account made, and makes somebody else its maker; callers check rights."""

    directory: DirectoryStore
    metadata: MetadataStore
    audited_writer: AuditedWriter
    token_records: TokenRecords
    clock: Clock

    async def of_account(self, account_id: str) -> list[MadeItem]:
        """Return what an account made in every organization, by organization. The cost grows with
        the number of tokens and memberships of the registry."""
        found = [each async for each in self._every_record() if self._is_made_by(each, account_id)]
        return await self._described(found)

    async def with_own_tokens(self, account_id: str) -> list[MadeItem]:
        """Return also the tokens of the account itself, which come first."""
        own = [each.token for each in await self.token_records.of(account_id)]
        valid = [_made(each, "") for each in own if self._is_in_effect(each)]
        return [*valid, *await self.of_account(account_id)]

    async def in_organization(self, org: str, account_id: str) -> list[MadeItem]:
        """Return what an account made in one organization."""
        return await self._described(await self._records(org, account_id))

    async def take_over(
        self, org: str, account_id: str, maker: Principal, *, by: Principal
    ) -> list[MadeItem]:
        """Store another maker of what an account made in an organization, and return it; a repeat
        goes on after a crash. Changes of owners are left out: the member list has them."""
        found = await self._records(org, account_id)
        taken = [each for each in found if not isinstance(each, Membership)]
        for each in taken:
            await self._take(each, maker, by)
        return await self._described(taken)

    async def withdraw_invitations(self, account_id: str, *, email: str = "", by: Principal) -> int:
        """End the open invitations of an account, and those to the address `email`; return how
        many. The cost grows with the number of invitations of the registry."""
        withdrawn = 0
        async for batch in entity_batches(self.directory, Invitation, RECORDS_AT_ONCE):
            for each in batch:
                if self._is_made_by(each, account_id) or _is_for(each, email):
                    removed = await self.audited_writer.remove_stored(
                        each, lambda stored: invitation_change("withdrawn", stored), by=by
                    )
                    withdrawn += removed is not None
        return withdrawn

    @retried_when_stale
    async def _take(self, made: MadeRecord, maker: Principal, by: Principal) -> None:
        match made:
            case Token():
                await self.token_records.confirm(made, maker, by=by)
            case Publisher():
                publisher = await self.directory.get(Publisher, made.place)
                if publisher is not None:
                    public = await is_of_public_package(self.metadata, publisher)
                    await confirm_publisher(
                        self.audited_writer, publisher, maker, by=by, public=public
                    )
            case Webhook():
                webhook = await self.directory.get(Webhook, made.place)
                if webhook is not None:
                    await confirm_webhook(self.audited_writer, webhook, maker, by=by)
            case Invitation():
                invitation = await self.directory.get(Invitation, made.place)
                if invitation is not None:
                    taken = invitation.model_copy(update={"by": maker.id})
                    change = invitation_change("confirmed", invitation)
                    await self.audited_writer.replace(taken, change=change, by=by)
            case ScimToken():
                token = await self.directory.get(ScimToken, made.place)
                if token is not None and token.made_by != maker.id:
                    confirmed = token.model_copy(update={"made_by": maker.id})
                    details = {"directory": token.directory, "id": token.id}
                    change = EntityChange("scim.token-confirmed", token.id, details=details)
                    await self.audited_writer.replace(confirmed, change=change, by=by)
            case _:
                pass

    async def _records(self, org: str, account_id: str) -> list[MadeRecord]:
        organization = await self.directory.get(Organization, organization_place(org))
        token_owner = organization.id if organization else ""
        owners: Mapping[type[MadeRecord], str] = {Token: token_owner, Webhook: webhook_owner(org)}
        listed = await asyncio.gather(
            *(self.directory.list_by_owner(each, owners.get(each, org.lower())) for each in _KINDS)
        )
        of_registry = () if org else await all_entities(self.directory, ScimToken)
        records: Iterable[MadeRecord] = (*of_registry, *(e for found in listed for e in found))
        return [each for each in records if self._is_made_by(each, account_id)]

    async def _every_record(self) -> AsyncIterator[MadeRecord]:
        for kind in (*_KINDS, ScimToken):
            async for batch in entity_batches(self.directory, kind, RECORDS_AT_ONCE):
                for each in batch:
                    yield each

    def _is_made_by(self, record: MadeRecord, account_id: str) -> bool:
        """Check whether an account made it, and it is still in effect; jobs' tokens are left
        out, which expire within minutes."""
        if isinstance(record, Membership):
            pending = record.pending
            now_ms = self.clock.now_ms()
            return pending is not None and pending.by == account_id and not pending.is_due(now_ms)
        if isinstance(record, Token):
            is_of_organization = bool(record.org) and record.provenance is None
            made_by = record.made_by if is_of_organization else ""
        elif isinstance(record, ScimToken):
            made_by = record.made_by
        else:
            made_by = record.by
        return made_by == account_id and self._is_in_effect(record)

    def _is_in_effect(self, record: Token | Publisher | Webhook | Invitation | ScimToken) -> bool:
        return record.ends_ms is None or record.ends_ms > self.clock.now_ms()

    async def _described(self, records: Sequence[MadeRecord]) -> list[MadeItem]:
        ids = [each.account for each in records if isinstance(each, Membership)]
        names = await account_names(self.directory, ids)
        found = [
            _made(each, names.get(each.account, "") if isinstance(each, Membership) else "")
            for each in records
        ]
        order = list(MadeKind)
        return sorted(found, key=lambda each: (each.org.lower(), order.index(each.kind), each.id))


def _made(record: MadeRecord, member: str) -> MadeItem:
    match record:
        case Token():
            kind = MadeKind.TOKEN
            name = record.name
            text = described(record)
        case Publisher():
            kind = MadeKind.PUBLISHER
            name = str(record.target)
            text = described(record)
        case Webhook():
            kind = MadeKind.WEBHOOK
            name = urlsplit(record.url).netloc
            text = described(record)
        case Invitation():
            kind = MadeKind.INVITATION
            name = record.label
            whom = record.label or "whoever has the link"
            text = f"the invitation of {whom} to {record.org} as {record.role.value}"
        case ScimToken():
            text = described(record)
            return MadeItem(
                MadeKind.DIRECTORY_TOKEN, "", record.id, record.directory, text, record.created_ms
            )
        case Membership():
            return _made_change(record, member or record.account)
    return MadeItem(kind, record.org, record.id, name, text, record.created_ms)


def _made_change(membership: Membership, member: str) -> MadeItem:
    role = membership.pending.role if membership.pending else None
    org = membership.org
    becomes = f"becomes {role.value}" if role else "is removed"
    text = f"the pending change by which {member} {becomes} in {org}"
    return MadeItem(MadeKind.OWNER_CHANGE, org, membership.account, member, text, None)


def _is_for(invitation: Invitation, email: str) -> bool:
    """Check whether an invitation was sent to an address, which only its id says."""
    return bool(email) and invitation.id == invitation_id(invitation.org, EmailAddress(email))


def invitation_change(
    what: str, invitation: Invitation, account: str = "", reason: str = ""
) -> EntityChange:
    """Return the event `invitation.<what>`; `account` is whose log has it too."""
    org = invitation.org
    details = {
        "invitation": invitation.id,
        "role": invitation.role.value,
        "label": invitation.label,
        **with_reason(reason),
    }
    return EntityChange(f"invitation.{what}", org, org=org, account=account, details=details)


class MakerMail(Struct, frozen=True):
    """Tells owners what stops with its maker."""

    mail_delivery: MailDelivery
    base_url: str

    async def send(self, account: Account, what: str, made: Iterable[MadeItem]) -> None:
        """Send mail to the owners of each organization, but not to the account; where there is no
        other owner, to the administrators. `what` says what happened to the account."""
        by_org = defaultdict[str, list[MadeItem]](list)
        for each in made:
            by_org[each.org].append(each)
        for org, found in by_org.items():
            await self._send(account, what, org, found)

    async def _send(self, account: Account, what: str, org: str, made: Sequence[MadeItem]) -> None:
        page = f"/account/organizations/{org}" if org else "/manage"
        mail = mail_text(
            "maker-stopped",
            name=account.name,
            what=what,
            where=org or "the registry",
            things="\n".join(f"  {each.described}" for each in made),
            page=f"{self.base_url}{page}",
        )
        others = Recipients(audience=Audience.OTHER_OWNERS, org=org, accounts=(account.id,))
        await self.mail_delivery.send_to(others, mail)
