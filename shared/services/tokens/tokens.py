"""Access tokens of accounts and organizations: who may issue, list, rename, rotate and revoke
them.

A new token never has more rights than the credential that creates it. The same holds for a new text
of a known token, since whoever asks for it gets the text. `shared/auth/authentication.py` verifies
tokens.
"""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from shared.auth.access_tokens import AccessToken
from shared.auth.authorization import Authorization
from shared.auth.identity_providers import EnabledPeople
from shared.auth.registry_authorization import RegistryAuthorization
from shared.auth.secrets import Secret, random_text
from shared.domain.access_rights import NO_CONTEXT, AccessContext, require_own_account
from shared.domain.client_addresses import are_ranges_within, parse_ranges
from shared.domain.entities import Place
from shared.domain.errors.base import InvalidRequest, about_field
from shared.domain.errors.identity import NotPermitted, TokenNotFound, credentials_missing
from shared.domain.errors.requests import Busy
from shared.domain.grants import ANY_NAME, Grant
from shared.domain.names import OrgName
from shared.domain.organizations import Organization
from shared.domain.principals import Principal
from shared.domain.reasons import parse_required_reason, reason_for_change, with_reason
from shared.domain.recent_sign_in import require_recent_sign_in
from shared.domain.scopes import Action, Scope
from shared.domain.tokens import (
    MAX_APPLY_DAYS,
    MAX_AUDIT_DAYS,
    MAX_MODERATION_DAYS,
    MAX_TOKEN_DAYS,
    MAX_TOKEN_NAME_LENGTH,
    Token,
    TokenUse,
    describe_grants,
    token_expiry,
)
from shared.ports.conflicts import Stale
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock, Randomness
from shared.runtime.retries import MAX_ATTEMPTS, retried_when_stale
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.identity.mail import DecisionMail
from shared.services.stored_records import remove_stored
from shared.services.tokens.makers import Maker, Makers

_NOTHING_ELSE: Mapping[str, str] = MappingProxyType({})
TOKEN_ID_LENGTH = 10  # Base62: people type it to revoke a token.


class IssuedToken(Struct, frozen=True):
    """A new token with its text, which is not stored and never shown again."""

    token: Token
    text: Secret


class UsedToken(Struct, frozen=True):
    """A token with its last use; one of an organization also with its maker."""

    token: Token
    use: TokenUse | None = None
    maker: Maker | None = None


class TokenRecords(Struct, frozen=True):
    """Writes tokens with an event for each change; callers check rights."""

    directory: DirectoryStore
    audited_writer: AuditedWriter
    clock: Clock
    randomness: Randomness
    environment: str

    async def issue(
        self, draft: Token, *, by: Principal, details: Mapping[str, str] = _NOTHING_ELSE
    ) -> IssuedToken:
        """Create the token of `draft`, and set its id, hash and time of creation. `details` are
        added to those of its event."""
        access_token = AccessToken.mint(self.environment, draft.owner, self.randomness)
        made = {
            "id": random_text(self.randomness, TOKEN_ID_LENGTH),
            "hash": access_token.hash,
            "created_ms": self.clock.now_ms(),
            "made_by": by.id,
            "by_guest": draft.by_guest or by.is_guest,
        }
        token = draft.model_copy(update=made)
        change = token_change("issued", token)
        change = replace(change, details={**change.details, **details})
        added = await self.audited_writer.add(token, change=change, by=by)
        return IssuedToken(added, access_token.text)

    async def of(self, owner: str) -> list[UsedToken]:
        """Return the owner's tokens, oldest first, including expired ones."""
        uses = {use.token: use for use in await self.directory.list_by_owner(TokenUse, owner)}
        # During a rotation a token has two texts; the newer one counts.
        tokens = {
            token.id: token
            for token in _oldest_first(await self.directory.list_by_owner(Token, owner))
        }
        return [UsedToken(each, uses.get(each.id)) for each in _oldest_first(tokens.values())]

    async def find(self, owner: str, token_id: str) -> UsedToken:
        """Return a token of the owner, or raise `TokenNotFound`, also for tokens of others."""
        token = (await self._texts(owner, token_id))[-1]
        use = await self.directory.get(TokenUse, Place(owner, token_id))
        return UsedToken(token, use)

    @retried_when_stale
    async def rename(self, token: Token, name: str, *, by: Principal) -> Token:
        """Give the token another name; a repeat changes nothing. Raises `TokenNotFound`."""
        current = (await self._texts(token.owner, token.id))[-1]
        if current.name == name:
            return current
        details = {"before": current.name, "after": name}
        change = replace(token_change("renamed", current), details=details)
        renamed = current.model_copy(update={"name": name})
        return await self.audited_writer.replace(renamed, change=change, by=by)

    @retried_when_stale
    async def rotate(
        self, token: Token, expires_ms: int | None, *, by: Principal, reason: str = ""
    ) -> IssuedToken:
        """Give the token a new text and a new expiry; the old text is refused within five seconds.

        Raises `TokenNotFound` where the token is revoked meanwhile.
        """
        old = await self._texts(token.owner, token.id)
        access_token = AccessToken.mint(self.environment, token.owner, self.randomness)
        changes = {
            "hash": access_token.hash,
            "created_ms": self.clock.now_ms(),
            "expires_ms": expires_ms,
            "provenance": None,  # The caller is not the CI job that got the old text.
            "made_by": by.id,
            "publishers_made_by": (),
            "by_unknown_guest": False,
            "by_guest": by.is_guest,
            "revision": 1,
            "outbox": (),
        }
        newest = old[-1]
        token = newest.model_copy(update=changes)
        # The new text is added first: after a failure the old one is still valid. It is added only
        # while the old one is stored, by one write: once a revocation finds no text of a token, no
        # rotation adds one.
        change = token_change("rotated", token, reason)
        added = await self.audited_writer.add_replacing(token, newest, change=change, by=by)
        if not await remove_stored(self.directory, newest):
            # It was revoked or rotated meanwhile, which has priority.
            await self.audited_writer.remove_stored(
                added, lambda stored: token_change("revoked", stored), by=by
            )
            raise TokenNotFound(token.id)
        for each in old[:-1]:
            await remove_stored(self.directory, each)
        return IssuedToken(added, access_token.text)

    async def confirm(self, token: Token, maker: Principal, *, by: Principal) -> Token:
        """Store the maker of the token, whose texts stay; a repeat changes nothing."""
        texts = await self._texts(token.owner, token.id)
        return [await self._confirm(each, maker, by) for each in texts][-1]

    @retried_when_stale
    async def _confirm(self, token: Token, maker: Principal, by: Principal) -> Token:
        current = await self.directory.get(Token, token.place)
        if current is None:
            raise TokenNotFound(token.id)
        if current.made_by == maker.id:
            return current
        change = token_change("confirmed", current)
        confirmed = current.model_copy(update={"made_by": maker.id, "by_guest": maker.is_guest})
        return await self.audited_writer.replace(confirmed, change=change, by=by)

    async def revoke(self, token: Token, change: EntityChange, *, by: Principal) -> None:
        """Revoke the token with all its texts, and delete its last use; a repeat changes
        nothing. Raises `Busy` if it is rotated again and again meanwhile."""
        await self._end_texts(token, change, by)
        use = await self.directory.get(TokenUse, Place(token.owner, token.id))
        if use is not None:
            with suppress(Stale):
                await self.directory.remove(use)

    async def revoke_all(self, owner: str, *, by: Principal, reason: str = "") -> int:
        """Revoke all tokens of an owner, also those issued meanwhile; return how many. Raises
        `Busy` if there are new ones again and again."""
        seen = set[str]()  # Hashes: a rotation gives a token that was revoked another text.
        revoked = set[str]()
        for _ in range(MAX_ATTEMPTS):
            found = _oldest_first(await self.directory.list_by_owner(Token, owner))
            tokens = {each.id: each for each in found if each.hash not in seen}
            if not tokens:
                return len(revoked)
            for token in tokens.values():
                await self.revoke(token, token_change("revoked", token, reason), by=by)
            seen.update(each.hash for each in found)
            revoked.update(tokens)
        raise Busy

    async def _end_texts(self, token: Token, change: EntityChange, by: Principal) -> None:
        """End all texts of the token, also those of a concurrent rotation."""
        seen = set[str]()
        # A rotation adds a new text only while the old one is stored, and its process may end
        # before it ends one of them. So the texts are read until there is no other one.
        for _ in range(MAX_ATTEMPTS + 1):
            found = await self.directory.list_by_owner(Token, token.owner)
            unseen = [each for each in found if each.id == token.id and each.hash not in seen]
            if not unseen:
                return
            for each in unseen:
                await self.audited_writer.remove_stored(each, lambda _: change, by=by)
            seen.update(each.hash for each in unseen)
        raise Busy

    async def _texts(self, owner: str, token_id: str) -> list[Token]:
        """Return the token once for each valid text, the newest last."""
        # The list by id may lag behind, and must not miss a new text.
        found = await self.directory.list_by_owner(Token, owner)
        texts = _oldest_first(token for token in found if token.id == token_id)
        if not texts:
            raise TokenNotFound(token_id)
        return texts


def token_change(what: str, token: Token, reason: str = "") -> EntityChange:
    """Return the event of a token, which never contains its text or hash."""
    return EntityChange(
        f"token.{what}",
        token.id,
        org=token.org,
        account="" if token.org else token.owner,
        details={
            "name": token.name,
            "grants": describe_grants(token.grants),
            **(token.provenance.event_details if token.provenance else {}),
            **with_reason(reason),
        },
    )


def _oldest_first(tokens: Iterable[Token]) -> list[Token]:
    return sorted(tokens, key=lambda token: (token.created_ms, token.id))


_PATTERN = re.compile(r"[A-Za-z0-9_.*?]{1,200}")


class TokenRequest(Struct, frozen=True):
    """The name, rights and lifetime of a new token."""

    name: str
    grant: Grant
    days: int | None = None  # None is the default of the settings.
    addresses: tuple[str, ...] = ()  # Permitted ranges; empty permits all.

    @classmethod
    def parse(
        cls,
        name: str,
        scopes: Iterable[str],
        *,
        org: str,
        package: str,
        days: int | None,
        addresses: Iterable[str] = (),
    ) -> Self:
        """Read a request, or raise `InvalidRequest`."""
        with about_field("scope"):
            granted = _scopes(scopes)
        with about_field("org"):
            orgs = _pattern("organization", org)
        with about_field("package"):
            packages = _pattern("package", package)
        with about_field("name"):
            checked = parse_token_name(name)
        with about_field("days"):
            lifetime = _days(days, granted)
        with about_field("addresses"):
            ranges = parse_ranges(addresses)
        grant = Grant(scopes=granted, org=orgs, package=packages)
        _check_alone(grant)
        return cls(checked, grant, lifetime, ranges)

    @property
    def is_of_people(self) -> bool:
        """Whether no token of an organization has one of its scopes."""
        return not self.grant.scopes.isdisjoint(_SIGN_IN_SCOPES)


def parse_token_name(text: str) -> str:
    """Return the name of a token, or raise `InvalidRequest`."""
    name = text.strip()
    if not name or len(name) > MAX_TOKEN_NAME_LENGTH or not name.isprintable():
        message = (
            f"A token's name is one line of 1 to {MAX_TOKEN_NAME_LENGTH} characters. "
            "Name it for what uses it, such as laptop or nightly build."
        )
        raise InvalidRequest(message)
    return name


def parse_scope(text: str) -> Scope:
    """Return the scope of this name, or raise `InvalidRequest`."""
    try:
        return Scope(text)
    except ValueError:
        message = f"{text!r} is no scope. {_CHOOSE_SCOPES}"
        raise InvalidRequest(message) from None


def _scopes(texts: Iterable[str]) -> frozenset[Scope]:
    given = frozenset(map(parse_scope, texts))
    if not given:
        message = f"A token needs a scope. {_CHOOSE_SCOPES}"
        raise InvalidRequest(message)
    return given


_CHOOSE_SCOPES = f"Choose among {', '.join(scope.value for scope in Scope)}."


def _pattern(what: str, text: str) -> str:
    if not _PATTERN.fullmatch(text):
        message = (
            f"{text[:80]!r} is not a pattern for the {what}. Write its name; * stands for any "
            "characters, ? for one."
        )
        raise InvalidRequest(message)
    return text


# The longest lifetimes of tokens with scopes that reach every organization.
_MOST_DAYS = {
    Scope.APPLY: MAX_APPLY_DAYS,
    Scope.MODERATE: MAX_MODERATION_DAYS,
    Scope.AUDIT: MAX_AUDIT_DAYS,
}
# A token with one of these has no other scope, so that its scope says all that it can do.
_ALONE = (Scope.APPLY, Scope.AUDIT)


def _most_days(scopes: Iterable[Scope]) -> int:
    return min((_MOST_DAYS.get(each, MAX_TOKEN_DAYS) for each in scopes), default=MAX_TOKEN_DAYS)


def _limited(scopes: frozenset[Scope]) -> str:
    """Return the beginning of a sentence about a token whose scopes limit its lifetime; empty
    without such a scope."""
    named = _limiting_scope(scopes)
    return f"A token with the scope {named.value}" if named else ""


def _limiting_scope(scopes: frozenset[Scope]) -> Scope | None:
    return next((each for each in _MOST_DAYS if each in scopes), None)


def _days(days: int | None, scopes: frozenset[Scope]) -> int | None:
    most = _most_days(scopes)
    if days is not None and not 1 <= days <= most:
        message = f"{_limited(scopes) or 'A token'} is good for 1 to {most} days, not {days}."
        raise InvalidRequest(message)
    return days


def _check_alone(grant: Grant) -> None:
    """Raise for a token that applies registry files or audits, and has another scope as well or is
    limited to some packages."""
    scope = next((each for each in _ALONE if each in grant.scopes), None)
    if scope is None:
        return
    sentence = f"A token with the scope {scope.value}"
    if len(grant.scopes) > 1:
        message = f"{sentence} has no other scope. Create two tokens."
        with about_field("scope"):
            raise InvalidRequest(message)
    if (grant.org, grant.package) != (ANY_NAME, ANY_NAME):
        message = f"{sentence} is for the whole registry. Leave its limits out."
        with about_field("org"):
            raise InvalidRequest(message)


_NOT_MANAGING = (
    "A token of an organization manages nothing, so that no machine can give itself more rights. "
    "Choose among read, push-new, push-version, deprecate."
)


class OfOrganization(Struct, frozen=True):
    """The organization as the owner of its tokens."""

    org: OrgName


TokenOwner = str | OfOrganization  # The id of an account, or an organization.


class Tokens(Struct, frozen=True):
    """Issues, lists and revokes tokens of accounts and organizations.

    An account manages only its own, with a credential that manages the whole account. A token for
    some organizations or packages only issues others for them. Owners of an organization manage
    its tokens, which act as maintainers of it and have no other rights. These stop with their maker
    (`shared/domain/makers.py`) until an owner rotates or confirms them, and are invalid once the
    organization is deleted. So issuing, rotating and confirming take `Action.GOVERN`.

    A new token never allows more than the credential that creates it, nor other addresses, nor a
    longer lifetime. Tokens with the scopes manage, moderate, audit and apply need a recent sign-in,
    or the operator. Those with the last three are of administrators, and expire after
    `MAX_MODERATION_DAYS`, `MAX_AUDIT_DAYS` and `MAX_APPLY_DAYS`; the operator also issues those
    with audit for auditors.
    """

    token_records: TokenRecords
    authorization: Authorization
    registry_authorization: RegistryAuthorization
    enabled_people: EnabledPeople
    makers: Makers
    decision_mail: DecisionMail
    clock: Clock
    token_days: int

    async def issue(
        self, owner: TokenOwner, request: TokenRequest, *, by: Principal
    ) -> IssuedToken:
        """Create a token; one of an organization is limited to its packages.

        Raises `credentials-missing`, `NotPermitted` or `SignInAgain`.
        """
        holder: str | Organization
        if isinstance(owner, OfOrganization):
            access = await self.authorization.require_in_organization(by, Action.GOVERN, owner.org)
            holder = access.require_organization(owner.org)
            if request.is_of_people:
                raise InvalidRequest(_NOT_MANAGING)
            grant = request.grant.model_copy(update={"org": holder.name})
            request = replace(request, grant=grant)
        else:
            require_issuer(owner, request, by)
            holder = owner
        now_ms = self.clock.now_ms()
        days = request.days or min(self.token_days, _most_days(request.grant.scopes))
        expires_ms = token_expiry(now_ms, days, by.expires_ms)
        draft = _draft(holder, request, expires_ms, by)
        await self._check_rights("issue", draft, by, now_ms)
        await self.enabled_people.require_enabled(by, "issue", f"the token {draft.name}")
        return await self.token_records.issue(draft, by=by)

    async def issue_unlimited(
        self, account: str, request: TokenRequest, *, by: Principal
    ) -> IssuedToken:
        """Create a token of an account that never expires; only the operator may."""
        require_operator("issue", request, by, "tokens that never expire")
        if limited := _limited(request.grant.scopes):
            most = _most_days(request.grant.scopes)
            message = f"{limited} is good for {most} days at most. Give a number of days."
            raise InvalidRequest(message)
        return await self.token_records.issue(_draft(account, request, None, by), by=by)

    async def list(self, owner: TokenOwner, *, by: Principal) -> list[UsedToken]:
        """Return the tokens of the owner, oldest first, including expired ones."""
        found = await self.token_records.of(await self._id_for_reading("list", owner, by))
        return [await self._with_maker(each) for each in found]

    async def find(self, owner: TokenOwner, token_id: str, *, by: Principal) -> UsedToken:
        """Return a token of the owner.

        Raises `TokenNotFound`, also for tokens of others.
        """
        owner_id = await self._id_for_reading("show", owner, by)
        return await self._with_maker(await self.token_records.find(owner_id, token_id))

    async def confirm(self, owner: OfOrganization, token_id: str, *, by: Principal) -> UsedToken:
        """Make `by` the maker of a token of an organization, which keeps its text, so that it works
        while `by` is an owner; raise `TokenNotFound`."""
        owner_id, _ = await self._owner_id("confirm", owner, by, Action.GOVERN)
        used = await self.token_records.find(owner_id, token_id)
        if used.token.provenance is not None:
            reason = "it is of a CI job and expires within minutes; confirm its trusted publisher"
            raise NotPermitted("confirm", f"the token {used.token.name}", reason)
        check_rights("confirm", used.token, by, self.clock.now_ms())
        confirmed = await self.token_records.confirm(used.token, by, by=by)
        return await self._with_maker(replace(used, token=confirmed))

    async def rename(
        self, owner: TokenOwner, token_id: str, name: str, *, by: Principal
    ) -> UsedToken:
        """Give a token another name; its text, rights and lifetime stay.

        Raises `TokenNotFound`, also for tokens of others, and `InvalidRequest` about the name.
        """
        owner_id, _ = await self._owner_id("rename", owner, by)
        used = await self.token_records.find(owner_id, token_id)
        with about_field("name"):
            checked = parse_token_name(name)
        renamed = await self.token_records.rename(used.token, checked, by=by)
        return await self._with_maker(replace(used, token=renamed))

    async def with_maker(self, issued: IssuedToken) -> UsedToken:
        """Return a new token with its maker, in the form in which lists show tokens."""
        return await self._with_maker(UsedToken(issued.token))

    async def rotate(
        self, owner: TokenOwner, token_id: str, *, by: Principal, reason: str = ""
    ) -> IssuedToken:
        """Give a token a new text and the same lifetime again, and revoke the old text.

        Needs the same rights as issuing such a token, since the caller gets the text.
        Administrators give a `reason` for a token of an organization that they do not own.
        """
        owner_id, access = await self._owner_id("rotate", owner, by, Action.GOVERN)
        token = (await self.token_records.find(owner_id, token_id)).token
        reason = _reason_of("rotating", token, access, reason, by)
        now_ms = self.clock.now_ms()
        await self._check_rights("rotate", token, by, now_ms)
        await self.enabled_people.require_enabled(by, "rotate", f"the token {token.name}")
        renewed_ms = token.renewed_expiry(now_ms, by.expires_ms)
        rotated = await self.token_records.rotate(token, renewed_ms, by=by, reason=reason)
        await self._send_mail(token, "has a new text", access, reason, by)
        return rotated

    async def revoke(
        self, owner: TokenOwner, token_id: str, *, by: Principal, reason: str = ""
    ) -> None:
        """Revoke a token of the owner, everywhere within five seconds.

        Administrators give a `reason` for a token of an organization that they do not own. Raises
        `TokenNotFound`, also for tokens of others, and `reason-missing`.
        """
        owner_id, access = await self._owner_id("revoke", owner, by)
        token = (await self.token_records.find(owner_id, token_id)).token
        reason = _reason_of("revoking", token, access, reason, by)
        await self.token_records.revoke(token, token_change("revoked", token, reason), by=by)
        await self._send_mail(token, "is revoked", access, reason, by)

    async def _id_for_reading(self, verb: str, owner: TokenOwner, by: Principal) -> str:
        """Return the id of the owner of the tokens, as `_owner_id` does, to whoever may read
        them."""
        if not isinstance(owner, OfOrganization):
            return (await self._owner_id(verb, owner, by))[0]
        access = await self.authorization.require_to_read(by, Action.MANAGE, owner.org)
        return access.require_organization(owner.org).id

    async def _check_rights(self, verb: str, token: Token, by: Principal, now_ms: int) -> None:
        """Raise as `check_rights` does, and `NotPermitted` for a token that moderates, audits or
        applies registry files and whose owner is no administrator."""
        check_rights(verb, token, by, now_ms)
        limiting = _limiting_scope(_scopes_of(token))
        if limiting is not None:
            what = f"the token {token.name}, which {_SIGN_IN_SCOPES[limiting]}"
            if limiting is Scope.AUDIT and by.is_operator:
                await self.registry_authorization.require_auditing_account(token.owner, verb, what)
            else:
                await self.registry_authorization.require_administrator(token.owner, verb, what)

    async def _with_maker(self, used: UsedToken) -> UsedToken:
        is_of_organization = bool(used.token.org)
        maker = await self.makers.of_token(used.token) if is_of_organization else None
        return replace(used, maker=maker)

    async def _owner_id(
        self, verb: str, owner: TokenOwner, by: Principal, action: Action = Action.MANAGE
    ) -> tuple[str, AccessContext]:
        """Return the id of the owner of the tokens, and the access to the organization if that is
        the owner. For the tokens of another account the id is empty, so that none are found."""
        if isinstance(owner, OfOrganization):
            access = await self.authorization.require_in_organization(by, action, owner.org)
            return access.require_organization(owner.org).id, access
        require_own_account(by, verb, "tokens")
        return owner if is_owner(owner, by) else "", NO_CONTEXT

    async def _send_mail(
        self, token: Token, what: str, access: AccessContext, reason: str, by: Principal
    ) -> None:
        """Tell whose token it is, if somebody else decided."""
        sentence = f"the access token {token.name} {what}"
        if token.org:
            sentence = f"{sentence}, of the organization {token.org}"
            await self.decision_mail.send_if_from_outside(by, access, sentence, reason)
        elif by.is_operator:
            await self.decision_mail.send_to_account(token.owner, sentence, reason)


def _reason_of(doing: str, token: Token, access: AccessContext, reason: str, by: Principal) -> str:
    """Return the reason for what is done to a token of an account or an organization."""
    what = f"{doing} the token {token.name}"
    if by.is_operator and not token.org:
        return parse_required_reason(reason, what)
    return reason_for_change(by, access, reason, what)


def _draft(
    owner: str | Organization, request: TokenRequest, expires_ms: int | None, by: Principal
) -> Token:
    return Token(
        id="",
        hash="",
        owner=owner if isinstance(owner, str) else owner.id,
        org="" if isinstance(owner, str) else owner.name,
        name=request.name,
        grants=(request.grant,),
        created_ms=0,
        expires_ms=expires_ms,
        addresses=request.addresses or by.addresses,
    )


def require_issuer(owner: str, request: TokenRequest, by: Principal) -> None:
    """Raise `credentials-missing` or `NotPermitted` unless `by` may create the account's tokens."""
    if by.is_anonymous:
        raise credentials_missing()
    if not any(Scope.MANAGE in grant.scopes for grant in by.grants):
        raise NotPermitted("issue", "tokens", "the token lacks the scope manage for it")
    if not is_owner(owner, by):
        raise NotPermitted("issue", f"the token {request.name}", "it is for another account")


def require_operator(verb: str, request: TokenRequest, by: Principal, what: str) -> None:
    """Raise `NotPermitted` unless `by` is the operator; `what` are the tokens that only they may
    create."""
    if not by.is_operator:
        reason = f"only the operator issues {what}"
        raise NotPermitted(verb, f"the token {request.name}", reason)


def is_owner(owner: str, by: Principal) -> bool:
    """Check whether `by` may handle the tokens of the account as its own, as the operator may."""
    return by.is_operator or by.id == owner


def check_rights(verb: str, token: Token, by: Principal, now_ms: int) -> None:
    """Raise `NotPermitted` for a token that allows more than the credential of `by`, and
    `SignInAgain` for one that manages, moderates or applies, which takes a recent sign-in."""
    if not all(map(by.may_grant, token.grants)):
        reason = "it would allow more than the token that asks for it"
        raise NotPermitted(verb, f"the token {token.name}", reason)
    if not are_ranges_within(token.addresses, by.addresses):
        reason = "it could be used from elsewhere than the token that asks for it"
        raise NotPermitted(verb, f"the token {token.name}", reason)
    scopes = _scopes_of(token)
    for scope, what in _SIGN_IN_SCOPES.items():
        if scope in scopes:
            require_recent_sign_in(by, now_ms, verb, f"the token {token.name}, which {what}")


# The scopes that can only be given after a recent sign-in, and what tokens do with them.
_SIGN_IN_SCOPES = {
    Scope.MANAGE: "manages",
    Scope.MODERATE: "moderates",
    Scope.AUDIT: "audits",
    Scope.APPLY: "applies registry files",
}


def _scopes_of(token: Token) -> frozenset[Scope]:
    return frozenset[Scope]().union(*(grant.scopes for grant in token.grants))
