"""What Cosmos DB charges: told of each answer as it arrives, repeats and refusals too."""

from typing import Any

from shared.telemetry import recording
from shared.telemetry.activities import current
from shared.telemetry.catalog import COSMOS_ANSWERS, COSMOS_UNITS

CHARGE = "x-ms-request-charge"
_MARKS = {"x-ms-documentdb-isquery": "query", "x-ms-cosmos-is-batch-request": "batch"}


def note_charge(response: Any) -> None:
    """Tell of an answer; for `raw_response_hook`, which the client calls with each of them."""
    units = float(response.http_response.headers.get(CHARGE) or 0)
    activity = current()
    if activity is not None:
        activity.units += units
    if recording.is_heard():
        request = response.http_request
        asked = {"container": _container(request.url), "operation": _operation(request)}
        answer = {**asked, "status": response.http_response.status_code}
        recording.record(COSMOS_ANSWERS, 1, answer)
        recording.record(COSMOS_UNITS, units, asked)


def _container(url: str) -> str:
    """Return the container of an address; what is behind it are keys of items."""
    return url.partition("/colls/")[2].partition("/")[0]


def _operation(request: Any) -> str:
    for header, name in _MARKS.items():
        if str(request.headers.get(header, "")).lower() == "true":
            return name
    return str(request.method).lower()
