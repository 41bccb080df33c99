"""Where clients are sent for the bytes of an archive."""

import azure.functions as func

from functions._http import headers_of
from shared.domain.second_hop import Caller
from shared.registry import Registry
from shared.services.pulling import Offer
from shared.services.serving import SecondHop


async def second_hop_of(req: func.HttpRequest, offer: Offer, registry: Registry) -> SecondHop:
    """Return where this client gets the bytes; it sends there again what it sent here."""
    carries = "authorization" in headers_of(req)
    caller = Caller.CARRYING if carries else Caller.PLAIN
    return await registry.serving.second_hop(offer.head, offer.release, to=caller)
