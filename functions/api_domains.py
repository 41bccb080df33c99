"""/api/v1/orgs/{org}/domains: which domains an organization proves to be its own."""

from datetime import datetime
from typing import Self

import azure.functions as func
from pydantic import Field

from functions._api import (
    Answer,
    Operation,
    Request,
    answer,
    api_caller,
    api_errors,
    body_as,
    moment,
    nothing,
)
from functions.api_orgs import org_of
from shared.domain.domains import (
    MAX_DOMAIN_LENGTH,
    Domain,
    DomainName,
    parse_domain,
    record_name,
    record_text,
)
from shared.registry import Registry


class NewDomain(Request):
    """A domain that the organization claims."""

    domain: str = Field(max_length=MAX_DOMAIN_LENGTH)


class DomainView(Answer):
    """A claimed domain, and the TXT record that proves it."""

    domain: str
    record: str = Field(description="The name of the TXT record.")
    text: str = Field(description="What the record says.")
    created_at: datetime | None
    verified_at: datetime | None = Field(description="Null while it is not proven.")

    @classmethod
    def of(cls, domain: Domain) -> Self:
        """Show a domain."""
        return cls(
            domain=domain.domain,
            record=record_name(DomainName(domain.domain)),
            text=record_text(domain.challenge),
            created_at=moment(domain.created_ms),
            verified_at=moment(domain.verified_ms),
        )


class DomainList(Answer):
    """Domains, by name."""

    domains: list[DomainView]


_REFUSALS = (400, 401, 403, 404)

OPERATIONS = (
    Operation(
        "api_domains_list",
        "GET",
        "api/v1/orgs/{org}/domains",
        "List the domains that an organization claims; its members may.",
        200,
        answer=DomainList,
        refusals=_REFUSALS,
    ),
    Operation(
        "api_domains_claim",
        "POST",
        "api/v1/orgs/{org}/domains",
        "Claim a domain, and learn the TXT record that proves it.",
        201,
        request=NewDomain,
        answer=DomainView,
        refusals=(*_REFUSALS, 409),
    ),
    Operation(
        "api_domains_verify",
        "POST",
        "api/v1/orgs/{org}/domains/{domain}/verify",
        "Look for the record, and show the domain as the organization's.",
        200,
        answer=DomainView,
        refusals=(*_REFUSALS, 409),
    ),
    Operation(
        "api_domains_remove",
        "DELETE",
        "api/v1/orgs/{org}/domains/{domain}",
        "Claim a domain no longer.",
        204,
        refusals=_REFUSALS,
    ),
)


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Functions of domains."""
    bp = func.Blueprint()
    proving = registry.proving

    @bp.route("api/v1/orgs/{org}/domains", methods=["GET", "HEAD"])
    @api_errors
    async def api_domains_list(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        found = await proving.of(org_of(req), by=caller)
        return answer(DomainList(domains=[DomainView.of(each) for each in found]))

    @bp.route("api/v1/orgs/{org}/domains", methods=["POST"])
    @api_errors
    async def api_domains_claim(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        domain = parse_domain(body_as(NewDomain, req).domain)
        return answer(DomainView.of(await proving.claim(org_of(req), domain, by=caller)), 201)

    @bp.route("api/v1/orgs/{org}/domains/{domain}/verify", methods=["POST"])
    @api_errors
    async def api_domains_verify(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        return answer(DomainView.of(await proving.verify(org_of(req), _domain(req), by=caller)))

    @bp.route("api/v1/orgs/{org}/domains/{domain}", methods=["DELETE"])
    @api_errors
    async def api_domains_remove(req: func.HttpRequest) -> func.HttpResponse:
        caller = await api_caller(req, registry)
        await proving.remove(org_of(req), _domain(req), by=caller)
        return nothing()

    return bp


def _domain(req: func.HttpRequest) -> DomainName:
    return parse_domain(req.route_params["domain"])
