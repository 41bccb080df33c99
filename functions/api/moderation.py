"""/api/v1/moderation: releases, packages, accounts and names, for administrators and for tokens
with the scope moderate, which propose what cannot be taken back; and own releases of owners."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Self

from pydantic import Field

from functions.api.accounts import MadeView
from functions.api.api_face import ApiCall, ApiFace, ResponseModel, UtcTime, utc_datetime
from functions.api.query_parameters import QueryParameter, after
from functions.http.caching_headers import NO_STORE
from functions.http.json_answers import JSON
from shared.domain.accounts import Account
from shared.domain.names import parse_org
from shared.domain.packages import Head, Release
from shared.domain.proposals import Proposal, ProposedAct
from shared.domain.release_states import Holder, State
from shared.domain.times import parse_time
from shared.runtime.answers import Answer
from shared.services.administration.account_erasure import ErasureReceipt
from shared.services.publishing.erasure import Erasure
from shared.services.publishing.package_holds import EndedHold
from shared.services.publishing.proposals import ConfirmedProposal
from shared.services.publishing.release_selection import ReleaseSelection
from shared.use_cases import accounts, moderation, own_releases
from shared.use_cases.accounts import RevokedTokens
from shared.use_cases.moderation import RequiredReason, TakeDown


class ReleaseStateView(ResponseModel):
    """A release and its state."""

    org: str
    name: str
    version: str
    state: State
    reason: str = Field(validation_alias="state_reason")
    public_reason: str | None = Field(description="The category; null where none is stated.")
    holder: Holder | None = Field(description="Who can end the hold; null if it is not held.")
    digest: str
    published_at: UtcTime
    published_by: str = Field(description="The id of an account or organization.")
    credential: str = Field(description="The id of the token.")

    @classmethod
    def of(cls, release: Release) -> Self:
        public = release.public_reason
        return cls(
            org=release.org,
            name=release.name,
            version=release.version,
            state=release.state,
            reason=release.state_reason,
            public_reason=public.why.value if public else None,
            holder=release.holder if release.state is State.HELD else None,
            digest=release.digest,
            published_at=utc_datetime(release.created_ms),
            published_by=release.origin.principal,
            credential=release.origin.credential,
        )


class SelectedReleasesView(ResponseModel):
    """Releases, in order of package; `next` is where the list goes on, empty at the end."""

    releases: list[ReleaseStateView]
    next: str


class ProposalView(ResponseModel):
    """An act that waits for an administrator."""

    id: str
    act: ProposedAct
    about: str
    to: str = Field(
        description="For a name that moves: here, or an upstream. For the erasure of an account: "
        "the time. For a dispute: the outcome. For the ownership of an organization: the id of "
        "the account."
    )
    reason: str
    proposed_by: str = Field(validation_alias="by", description="The id of an account.")
    token: str = Field(
        description="The id of the token that proposed it; empty if an administrator did."
    )
    created_at: UtcTime
    of_person: bool = Field(description="Whether it waits for a second administrator.")
    ends_at: UtcTime = Field(description="When it expires.")


class RemovedView(ResponseModel):
    """The removed release, or the proposal of a token or for a second administrator."""

    release: ReleaseStateView | None
    proposal: ProposalView | None


class ErasureView(ResponseModel):
    """What an erasure deleted, and what is left of the release."""

    release: ReleaseStateView
    erased_at: UtcTime = Field(description="When this erasure ended.")
    deleted: list[str] = Field(description="What was deleted, and read back.")
    left: list[str] = Field(
        description="What is left, each with the way out or the time at which it goes."
    )
    kept: list[str] = Field(description="What backups hold, which the registry does not reach.")
    copies_until: UtcTime = Field(
        description="When the store deletes its last copy of deleted bytes; null without any."
    )

    @classmethod
    def of(cls, erasure: Erasure) -> Self:
        until_ms = erasure.copies_until_ms
        return cls(
            release=ReleaseStateView.of(erasure.release),
            erased_at=utc_datetime(erasure.at_ms),
            deleted=list(erasure.deleted),
            left=list(erasure.left),
            kept=list(erasure.kept),
            copies_until=None if until_ms is None else utc_datetime(until_ms),
        )


class ErasedView(ResponseModel):
    """What an erasure deleted, or the proposal of a token or for a second administrator."""

    erasure: ErasureView | None
    proposal: ProposalView | None


class ErasureReceiptView(ResponseModel):
    """What the erasure of an account deleted."""

    account: str = Field(description="The id of the account.")
    erased_at: UtcTime
    deleted: dict[str, int] = Field(description="How many records were deleted, by what they are.")
    without_owner: list[str] = Field(description="Organizations that have no owner any more.")
    overwritten: bool = Field(
        description="Whether the deleted bytes in the database files were overwritten; otherwise "
        "a task does it within the hour."
    )

    @classmethod
    def of(cls, receipt: ErasureReceipt) -> Self:
        return cls(
            account=receipt.account,
            erased_at=utc_datetime(receipt.at_ms),
            deleted=dict(receipt.deleted),
            without_owner=list(receipt.without_owner),
            overwritten=receipt.is_overwritten,
        )


class ConfirmedView(ResponseModel):
    """A proposal that was carried out, and what it deleted, if it was to erase a release or an
    account."""

    proposal: ProposalView
    erasure: ErasureView | None
    receipt: ErasureReceiptView | None


moderation_api = ApiFace()
own_releases_api = ApiFace()

_RELEASE = "api/v1/moderation/releases/{org}/{name}/{version}"
_PACKAGE = "api/v1/moderation/packages/{org}/{name}"
_ACCOUNT = "api/v1/moderation/accounts/{account}"
_OWN = "api/v1/packages/{org}/{name}/{version}"


@moderation_api.operation(
    "GET",
    "api/v1/moderation/releases",
    "List releases that could be withheld, of `org`, `name`, `account`, `token`, `publisher` and "
    "`since`; `next` continues the list as `after`.",
    refusals=(400, 401, 403, 404),
    parameters=(
        QueryParameter.text("org", "Releases of this organization."),
        QueryParameter.text("name", "Releases of this package of the organization."),
        QueryParameter.text("account", "Releases that this account published."),
        QueryParameter.text("token", "Releases published with the token of this id."),
        QueryParameter.text(
            "publisher", "Releases that the trusted publisher of this id published."
        ),
        QueryParameter.time("since", "Releases published at this time or later."),
        after(),
    ),
)
async def api_moderation_releases(call: ApiCall) -> SelectedReleasesView:
    selection = await _selection(call, call.query)
    continued = call.query.get("after", "")
    selections = call.registry.publishing.selections
    found = await selections.page(selection, State.REMOVED, continued, by=call.caller)
    return SelectedReleasesView(
        releases=[ReleaseStateView.of(each) for each in found.releases], next=found.next
    )


class SelectedTakeDown(TakeDown):
    """Which releases are quarantined, and why. At least one field says which."""

    org: str = Field(default="", description="Releases of this organization.")
    name: str = Field(default="", description="Releases of this package of the organization.")
    account: str = Field(default="", description="Releases that this account published.")
    token: str = Field(default="", description="Releases published with the token of this id.")
    publisher: str = Field(
        default="", description="Releases that the trusted publisher of this id published."
    )
    since: str = Field(default="", description="Releases published at this time or later.")
    until: str = Field(default="", description="Releases published until this time.")
    after: str = Field(default="", description="The `next` of an earlier answer.")
    dry_run: bool = Field(default=False, description="List the releases, and change nothing.")

    def named(self) -> dict[str, str]:
        """Return the fields that say which releases are meant."""
        return self.model_dump(include=_SELECTING)


_SELECTING = {"org", "name", "account", "token", "publisher", "since", "until"}


async def _selection(call: ApiCall, sent: Mapping[str, str]) -> ReleaseSelection:
    account = sent.get("account", "")
    since = sent.get("since", "")
    until = sent.get("until", "")
    selections = call.registry.publishing.selections
    return ReleaseSelection(
        org=sent.get("org", ""),
        name=sent.get("name", ""),
        account=await selections.account_id(account) if account else "",
        token=sent.get("token", ""),
        publisher=sent.get("publisher", ""),
        since_ms=parse_time("since", since) if since else None,
        until_ms=parse_time("until", until) if until else None,
    )


@moderation_api.operation(
    "POST",
    "api/v1/moderation/quarantine",
    "Quarantine all releases of a package, an organization, an account, a token or a publisher.",
    also=(404,),
)
async def api_moderation_quarantine_many(
    call: ApiCall, sent: SelectedTakeDown
) -> SelectedReleasesView:
    selection = await _selection(call, sent.named())
    selections = call.registry.publishing.selections
    state = State.QUARANTINED
    by = call.caller
    if sent.dry_run:
        found = await selections.page(selection, state, sent.after, by=by)
        releases = found.releases
        next_ = found.next
    else:
        decided = await selections.decide(
            selection, state, sent.reason, sent.public, sent.after, by=by
        )
        releases = decided.releases
        next_ = decided.next
    return SelectedReleasesView(
        releases=[ReleaseStateView.of(each) for each in releases], next=next_
    )


@moderation_api.operation("GET", _RELEASE, "Show a release, whatever its state.")
async def api_moderation_release(call: ApiCall) -> ReleaseStateView:
    found = await call.registry.publishing.moderation.find(call.coordinate, by=call.caller)
    return ReleaseStateView.of(found)


@moderation_api.use_case(moderation.hold, "POST", f"{_RELEASE}/hold", lambda call: call.coordinate)
async def api_moderation_hold(_: ApiCall, held: Release) -> ReleaseStateView:
    return ReleaseStateView.of(held)


@moderation_api.use_case(
    moderation.quarantine, "POST", f"{_RELEASE}/quarantine", lambda call: call.coordinate
)
async def api_moderation_quarantine(_: ApiCall, changed: Release) -> ReleaseStateView:
    return ReleaseStateView.of(changed)


@moderation_api.use_case(
    moderation.restore, "POST", f"{_RELEASE}/restore", lambda call: call.coordinate, also=(400, 409)
)
async def api_moderation_restore(_: ApiCall, restored: Release) -> ReleaseStateView:
    return ReleaseStateView.of(restored)


@moderation_api.use_case(
    moderation.remove, "POST", f"{_RELEASE}/remove", lambda call: call.coordinate, also=(409,)
)
async def api_moderation_remove(_: ApiCall, removed: Release | Proposal) -> RemovedView:
    if isinstance(removed, Proposal):
        return RemovedView(release=None, proposal=ProposalView.model_validate(removed))
    return RemovedView(release=ReleaseStateView.of(removed), proposal=None)


@moderation_api.use_case(
    moderation.erase, "POST", f"{_RELEASE}/erase", lambda call: call.coordinate, also=(409,)
)
async def api_moderation_erase(_: ApiCall, erased: Erasure | Proposal) -> ErasedView:
    if isinstance(erased, Proposal):
        return ErasedView(erasure=None, proposal=ProposalView.model_validate(erased))
    return ErasedView(erasure=ErasureView.of(erased), proposal=None)


class HeldPackageView(ResponseModel):
    """A package, and why it is held as a whole; null where it is not."""

    org: str
    name: str
    held_because: str | None
    published: list[str] = Field(description="Releases that waited for the end of the hold.")

    @classmethod
    def of(cls, head: Head, published: tuple[Release, ...] = ()) -> Self:
        reason = head.hold.reason if head.hold else None
        names = [str(each.coordinate) for each in published]
        return cls(org=head.org, name=head.name, held_because=reason, published=names)


@moderation_api.use_case(
    moderation.hold_package, "POST", f"{_PACKAGE}/hold", lambda call: call.package, also=(409,)
)
async def api_moderation_package_hold(_: ApiCall, held: Head) -> HeldPackageView:
    return HeldPackageView.of(held)


@moderation_api.use_case(
    moderation.end_package_hold, "POST", f"{_PACKAGE}/restore", lambda call: call.package
)
async def api_moderation_package_restore(_: ApiCall, ended: EndedHold) -> HeldPackageView:
    return HeldPackageView.of(ended.head, ended.published)


class ModeratedAccountView(ResponseModel):
    """An account, and what it made and still works."""

    id: str
    name: str
    locked: bool
    administrator: bool
    made: list[MadeView]


class LockedAccountView(ResponseModel):
    """An account, and whether it is locked."""

    id: str
    name: str
    locked: bool


class RevokedTokensView(ResponseModel):
    """How many tokens of an account were revoked."""

    id: str
    revoked: int


async def _account(call: ApiCall) -> Account:
    """Return the account that the path names by its name or, after `id:`, by its id."""
    await call.registry.rights.registry_authorization.require_reviewer(
        call.caller, "see", "the accounts of others"
    )
    return await call.registry.identity.accounts.by_name_or_id(call.route_params["account"])


@moderation_api.operation("GET", _ACCOUNT, "Show an account and what it made.")
async def api_moderation_account(call: ApiCall) -> ModeratedAccountView:
    account = await _account(call)
    administration = call.registry.administration.accounts
    made = await administration.tokens_and_made(account, by=call.caller)
    return ModeratedAccountView(
        id=account.id,
        name=account.name,
        locked=account.is_locked,
        administrator=account.administrator,
        made=[MadeView.model_validate(each) for each in made],
    )


@moderation_api.use_case(accounts.lock, "POST", f"{_ACCOUNT}/lock", _account, also=(409,))
async def api_moderation_lock(_: ApiCall, account: Account) -> LockedAccountView:
    return LockedAccountView(id=account.id, name=account.name, locked=True)


@moderation_api.use_case(accounts.unlock, "POST", f"{_ACCOUNT}/unlock", _account)
async def api_moderation_unlock(_: ApiCall, account: Account) -> LockedAccountView:
    return LockedAccountView(id=account.id, name=account.name, locked=account.is_locked)


@moderation_api.use_case(accounts.revoke_tokens, "POST", f"{_ACCOUNT}/revoke-tokens", _account)
async def api_moderation_revoke(_: ApiCall, revoked: RevokedTokens) -> RevokedTokensView:
    return RevokedTokensView.model_validate(revoked)


class ProposedName(RequiredReason):
    """A name that nobody is to found."""

    pattern: str = Field(max_length=200, description="A name; * stands for any characters.")


class ProposedMove(RequiredReason):
    """The side that is to have a name."""

    to: str = Field(max_length=100, description="here, or the name of an upstream.")


class ProposalList(ResponseModel):
    """Proposals, the oldest first."""

    proposals: list[ProposalView]


@moderation_api.operation(
    "POST", "api/v1/moderation/names/reserve", "Propose to reserve a name.", also=(409,), status=202
)
async def api_moderation_reserve_name(call: ApiCall, sent: ProposedName) -> ProposalView:
    proposals = call.registry.publishing.proposals
    proposal = await proposals.reserve_name(sent.pattern, sent.reason, by=call.caller)
    return ProposalView.model_validate(proposal)


@moderation_api.operation(
    "POST",
    "api/v1/moderation/names/{org}/move",
    "Propose to move the name of an organization to this registry or an upstream.",
    also=(409,),
    status=202,
)
async def api_moderation_move_name(call: ApiCall, sent: ProposedMove) -> ProposalView:
    org = parse_org(call.route_params["org"])
    proposals = call.registry.publishing.proposals
    proposal = await proposals.move_name(org, sent.to, sent.reason, by=call.caller)
    return ProposalView.model_validate(proposal)


@moderation_api.operation(
    "GET",
    "api/v1/moderation/proposals",
    "List what waits for an administrator.",
    refusals=(401, 403),
)
async def api_moderation_proposals(call: ApiCall) -> ProposalList:
    found = await call.registry.publishing.proposals.all(by=call.caller)
    return ProposalList(proposals=[ProposalView.model_validate(each) for each in found])


def _proposal(call: ApiCall) -> str:
    return call.route_params["id"]


@moderation_api.use_case(
    moderation.confirm,
    "POST",
    "api/v1/moderation/proposals/{id}/confirm",
    _proposal,
    also=(400, 409),
)
async def api_moderation_confirm(_: ApiCall, confirmed: ConfirmedProposal) -> ConfirmedView:
    erasure = confirmed.erasure
    receipt = confirmed.receipt
    return ConfirmedView(
        proposal=ProposalView.model_validate(confirmed.proposal),
        erasure=None if erasure is None else ErasureView.of(erasure),
        receipt=None if receipt is None else ErasureReceiptView.of(receipt),
    )


@moderation_api.use_case(
    moderation.reject, "POST", "api/v1/moderation/proposals/{id}/reject", _proposal
)
async def api_moderation_reject(_: ApiCall, rejected: Proposal) -> ProposalView:
    return ProposalView.model_validate(rejected)


@moderation_api.use_case(
    moderation.withdraw, "POST", "api/v1/moderation/proposals/{id}/withdraw", _proposal
)
async def api_moderation_withdraw(_: ApiCall, withdrawn: Proposal) -> ProposalView:
    return ProposalView.model_validate(withdrawn)


def waiting_answer(proposal: Proposal) -> Answer:
    """Return the answer to a change that waits for a second administrator."""
    body = ProposalView.model_validate(proposal).model_dump_json(by_alias=True).encode()
    return Answer(body, HTTPStatus.ACCEPTED, dict(NO_STORE), JSON)


# --- Owners --------------------------------------------------------------------------------------


@own_releases_api.use_case(
    own_releases.hold, "POST", f"{_OWN}/hold", lambda call: call.coordinate, also=(409,)
)
async def api_releases_hold(_: ApiCall, held: Release) -> ReleaseStateView:
    return ReleaseStateView.of(held)


@own_releases_api.use_case(
    own_releases.restore, "POST", f"{_OWN}/restore", lambda call: call.coordinate, also=(409,)
)
async def api_releases_restore(_: ApiCall, restored: Release) -> ReleaseStateView:
    return ReleaseStateView.of(restored)


@own_releases_api.use_case(
    own_releases.erase, "POST", f"{_OWN}/erase", lambda call: call.coordinate, also=(409,)
)
async def api_releases_erase(_: ApiCall, erasure: Erasure) -> ErasureView:
    return ErasureView.of(erasure)
