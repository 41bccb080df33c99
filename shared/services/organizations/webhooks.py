"""Webhooks: who may see and change them."""

from base64 import b64encode
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from msgspec import Struct

from shared.auth.authorization import Authorization
from shared.auth.registry_authorization import RegistryAuthorization
from shared.auth.secrets import random_text
from shared.domain.access_rights import AccessContext
from shared.domain.entities import Place
from shared.domain.errors.base import InvalidRequest, NotFound, about_field
from shared.domain.errors.identity import NotPermitted
from shared.domain.names import OrgName
from shared.domain.principals import Principal
from shared.domain.reasons import reason_for_change, with_reason
from shared.domain.scopes import Action
from shared.domain.webhooks import (
    Delivery,
    DeliveryLog,
    EncryptedSecret,
    ReceiverHosts,
    RevealedWebhook,
    Topic,
    Webhook,
    parse_receiver,
    webhook_owner,
)
from shared.ports.directory import DirectoryStore
from shared.ports.events import EventReader
from shared.ports.system import Clock, Randomness
from shared.runtime.retries import retried_when_stale, retried_with_back_off
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.feed_position import last_event_number
from shared.services.identity.mail import DecisionMail
from shared.services.organizations.webhook_secrets import WebhookSecrets
from shared.services.record_batches import all_entities
from shared.services.tokens.makers import Maker, Makers

MAX_WEBHOOKS = 10  # Webhooks of one organization, and of the registry itself.

_ID_LENGTH = 10  # Base62, like the ids of tokens.
_SECRET_BYTES = 32  # Standard Webhooks takes 24 to 64.
_OF_REGISTRY = "the webhooks of the registry"


class Webhooks(Struct, frozen=True):
    """Manages the webhooks of an organization for its owners, and those of the registry, which have
    no organization, for administrators. Changes take a recent sign-in."""

    authorization: Authorization
    registry_authorization: RegistryAuthorization
    directory: DirectoryStore
    events: EventReader
    audited_writer: AuditedWriter
    makers: Makers
    secrets: WebhookSecrets
    decision_mail: DecisionMail
    clock: Clock
    randomness: Randomness
    inside_hosts: frozenset[str]
    receiver_hosts: ReceiverHosts

    async def of(self, org: OrgName | None, *, by: Principal) -> list[Webhook]:
        """Return the webhooks of an owner, the oldest first."""
        await self._require_reading(org, by)
        return await self._all(org)

    async def makers_of(self, webhooks: Iterable[Webhook]) -> Mapping[str, Maker]:
        """Return the makers of webhooks of one owner, by `Webhook.by`; callers check rights."""
        found = list(webhooks)
        return await self.makers.of(found[0].org if found else "", [each.by for each in found])

    async def show(
        self, org: OrgName | None, webhook_id: str, *, by: Principal
    ) -> tuple[Webhook, Sequence[Delivery]]:
        """Return a webhook and its last deliveries, newest first; raise `webhook-not-found`."""
        webhook, log = await self.show_log(org, webhook_id, by=by)
        return webhook, log.deliveries[::-1] if log else ()

    async def show_log(
        self, org: OrgName | None, webhook_id: str, *, by: Principal
    ) -> tuple[Webhook, DeliveryLog | None]:
        """Return a webhook and how far its deliveries are; raise `webhook-not-found`."""
        await self._require_reading(org, by)
        webhook = await self._get(org, webhook_id)
        return webhook, await self.directory.get(DeliveryLog, webhook.place)

    async def add(
        self,
        org: OrgName | None,
        url: str,
        topics: Sequence[Topic],
        *,
        by: Principal,
        secret: str = "",
    ) -> RevealedWebhook:
        """Add a webhook, which gets the events from now on; raise `InvalidRequest`. Without a
        `secret` it gets one."""
        await self._require(org, Action.GOVERN, by)
        if not topics:
            choices = ", ".join(each.value for each in Topic)
            message = f"Choose the events that the webhook delivers: {choices}."
            with about_field("events"):
                raise InvalidRequest(message)
        receiver = self.parse_url(url)
        return await self._add(org, receiver, topics, by, secret or self._new_secret())

    def parse_url(self, url: str) -> str:
        """Return the address of a receiver, or raise `InvalidRequest`."""
        receiver = parse_receiver(url, self.inside_hosts)
        self.receiver_hosts.require(receiver)
        return receiver

    @retried_with_back_off
    async def _add(
        self, org: OrgName | None, url: str, topics: Sequence[Topic], by: Principal, secret: str
    ) -> RevealedWebhook:
        async def require_below_maximum() -> None:
            if len(await self._all(org)) >= MAX_WEBHOOKS:
                reason = f"there are {MAX_WEBHOOKS} webhooks; remove one first"
                raise NotPermitted("add", "another webhook", reason)

        access = await self._require(org, Action.GOVERN, by)
        name = access.require_organization(org).name if access and org else ""
        webhook_id = random_text(self.randomness, _ID_LENGTH)
        webhook = Webhook(
            id=webhook_id,
            org=name,
            url=url,
            topics=_ordered(topics),
            encrypted=await self.secrets.encrypt(secret, Place(webhook_owner(name), webhook_id)),
            created_ms=self.clock.now_ms(),
            by=by.id,
        )
        number = await last_event_number(self.events)
        log = DeliveryLog(org=name, webhook=webhook.id, number=number)
        change = webhook_change("added", webhook, by)
        added = await self.audited_writer.add_checked(
            webhook, log, check=require_below_maximum, change=change, by=by
        )
        return RevealedWebhook(added, secret)

    @retried_when_stale
    async def change_topics(
        self, org: OrgName, webhook_id: str, topics: Sequence[Topic], *, by: Principal
    ) -> Webhook:
        """Change the events that a webhook delivers; its secret and its maker stay."""
        await self._require(org, Action.GOVERN, by)
        webhook = await self._get(org, webhook_id)
        if webhook.topics == _ordered(topics):
            return webhook
        changed = webhook.model_copy(update={"topics": _ordered(topics)})
        change = webhook_change("changed", changed, by)
        return await self.audited_writer.replace(changed, change=change, by=by)

    async def rotate(
        self, org: OrgName | None, webhook_id: str, *, by: Principal, reason: str = ""
    ) -> RevealedWebhook:
        """Give the webhook another secret; for a day requests are signed with both. Who rotates is
        its maker from then on.

        Administrators who do not own its organization say a `reason`.
        """
        return await self._rotate(org, webhook_id, by.id, by, reason)

    async def rotate_all(self, *, by: Principal, reason: str) -> AsyncIterator[RevealedWebhook]:
        """Give every webhook of the registry and of all organizations another secret, and yield
        each when it is stored; their makers stay. For a day requests are signed with both.

        A repeat after an interruption goes on with those that were left.
        """
        await self.registry_authorization.require_fresh(by, "change", "the secrets of all webhooks")
        key_id = await self.secrets.begin_round()
        for webhook in await all_entities(self.directory, Webhook):
            if webhook.encrypted is None or webhook.encrypted.key != key_id:
                org = OrgName(webhook.org) if webhook.org else None
                with suppress(NotFound):  # It was removed meanwhile.
                    yield await self._rotate(org, webhook.id, webhook.by, by, reason)

    @retried_when_stale
    async def _rotate(
        self, org: OrgName | None, webhook_id: str, maker: str, by: Principal, reason: str
    ) -> RevealedWebhook:
        access = await self._require(org, Action.GOVERN, by)
        webhook = await self._get(org, webhook_id)
        what = f"the secret of the webhook {webhook.id}"
        reason = reason_for_change(by, access, reason, f"rotating {what}") if access else ""
        secret = self._new_secret()
        rotated = webhook.without_secrets().model_copy(
            update={
                "encrypted": await self.secrets.encrypt(secret, webhook.place),
                "old_encrypted": await self._kept(webhook),
                "rotated_ms": self.clock.now_ms(),
                "by": maker,
            }
        )
        change = webhook_change("rotated", webhook, by, **with_reason(reason))
        stored = await self.audited_writer.replace(rotated, change=change, by=by)
        if access:
            await self.decision_mail.send_if_from_outside(by, access, f"{what} is rotated", reason)
        return RevealedWebhook(stored, secret)

    async def _kept(self, webhook: Webhook) -> EncryptedSecret | None:
        """Return the secret that signs for a day beside a new one."""
        if webhook.secret:  # An earlier version stored it, and it is not encrypted yet.
            return await self.secrets.encrypt(webhook.secret, webhook.place)
        return webhook.encrypted

    @retried_when_stale
    async def confirm(self, org: OrgName | None, webhook_id: str, *, by: Principal) -> Webhook:
        """Make `by` the maker of a webhook, which delivers while `by` is an owner, or an
        administrator where it is of the registry; a repeat changes nothing."""
        await self._require(org, Action.GOVERN, by)
        webhook = await self._get(org, webhook_id)
        return await confirm_webhook(self.audited_writer, webhook, by, by=by)

    @retried_when_stale
    async def remove(
        self, org: OrgName | None, webhook_id: str, *, by: Principal, reason: str = ""
    ) -> None:
        """Remove the webhook and its deliveries; what its receiver has not got is not sent.

        Administrators who do not own its organization say a `reason`.
        """
        access = await self._require(org, Action.GOVERN, by)
        webhook = await self._get(org, webhook_id)
        what = f"the webhook {webhook.id} to {urlsplit(webhook.url).netloc}"
        reason = reason_for_change(by, access, reason, f"removing {what}") if access else ""
        change = webhook_change("removed", webhook, by, **with_reason(reason))
        await self.audited_writer.remove(webhook, change=change, by=by)
        await self._remove_log(webhook.place)
        if access:
            await self.decision_mail.send_if_from_outside(by, access, f"{what} is removed", reason)

    @retried_when_stale
    async def replay(
        self, org: OrgName | None, webhook_id: str, number: str, *, by: Principal
    ) -> Delivery:
        """Let one of the last deliveries be sent again within a minute, with the same id."""
        await self._require(org, Action.MANAGE, by)
        webhook = await self._get(org, webhook_id)
        log = await self.directory.get(DeliveryLog, webhook.place)
        is_number = number.isascii() and number.isdecimal() and len(number) < 16  # noqa: PLR2004 - below 2**53.
        found = log.deliveries if log and is_number else ()
        delivery = next((each for each in found if each.number == int(number)), None)
        if log is None or delivery is None:
            raise NotFound(
                "delivery-not-found",
                f"delivery not found: {number}. Only the last deliveries of a webhook are kept.",
            )
        again = {"attempts": 0, "due_ms": self.clock.now_ms(), "replays": delivery.replays + 1}
        replayed = delivery.model_copy(update=again)
        kept = tuple(replayed if each is delivery else each for each in log.deliveries)
        change = webhook_change("replayed", webhook, by, delivery=number)
        changed = log.model_copy(update={"deliveries": kept})
        await self.audited_writer.replace(changed, change=change, by=by)
        return replayed

    async def _require_reading(self, org: OrgName | None, by: Principal) -> None:
        if org is None:
            await self.registry_authorization.require_auditor(by, "see", _OF_REGISTRY)
        else:
            await self.authorization.require_to_read(by, Action.MANAGE, org)

    async def _require(
        self, org: OrgName | None, action: Action, by: Principal
    ) -> AccessContext | None:
        """Return the access to the organization, or None for the registry; raise unless `by` may do
        this."""
        if org is not None:
            access = await self.authorization.require_in_organization(by, action, org)
            access.require_organization(org)
            return access
        if action is Action.GOVERN:
            await self.registry_authorization.require_fresh(by, "change", _OF_REGISTRY)
        else:
            await self.registry_authorization.require(by, "see", _OF_REGISTRY)
        return None

    async def _all(self, org: OrgName | None) -> list[Webhook]:
        found = await self.directory.list_by_owner(Webhook, webhook_owner(org or ""))
        return sorted(found, key=lambda each: each.created_ms)

    async def _get(self, org: OrgName | None, webhook_id: str) -> Webhook:
        is_id = webhook_id.isascii() and webhook_id.isalnum()
        place = Place(webhook_owner(org or ""), webhook_id)
        webhook = await self.directory.get(Webhook, place) if is_id else None
        if webhook is None:
            raise NotFound(
                "webhook-not-found",
                f"webhook not found: {webhook_id}. List the webhooks to see their ids.",
            )
        return webhook

    @retried_when_stale
    async def _remove_log(self, place: Place) -> None:
        log = await self.directory.get(DeliveryLog, place)
        if log is not None:
            await self.directory.remove(log)

    def _new_secret(self) -> str:
        return f"whsec_{b64encode(self.randomness.token_bytes(_SECRET_BYTES)).decode()}"


def _ordered(topics: Sequence[Topic]) -> tuple[Topic, ...]:
    return tuple(each for each in Topic if each in topics)


async def confirm_webhook(
    writer: AuditedWriter, webhook: Webhook, maker: Principal, *, by: Principal
) -> Webhook:
    """Store the maker of a webhook; raise `Stale`. Callers check rights."""
    if webhook.by == maker.id:
        return webhook
    confirmed = webhook.model_copy(update={"by": maker.id})
    return await writer.replace(confirmed, change=webhook_change("confirmed", webhook, by), by=by)


def webhook_change(what: str, webhook: Webhook, by: Principal, **more: str) -> EntityChange:
    """Return the event `webhook.<what>`."""
    # The address may have a secret in its path.
    host = urlsplit(webhook.url).netloc
    topics = " ".join(each.value for each in webhook.topics)
    details = {"webhook": webhook.id, "host": host, "events": topics, **more}
    account = "" if webhook.org else by.id  # The log of the administrator has it.
    return EntityChange(
        f"webhook.{what}", webhook.id, org=webhook.org, account=account, details=details
    )
