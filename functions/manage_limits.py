"""/manage/limits: how fast everybody may be, and who has to wait."""

import azure.functions as func

from functions._managing import Managing
from functions._visits import Visit
from shared.domain.rates import OperationClass, Subject
from shared.registry import Registry
from shared.services.braking import BRAKE_WINDOW

# What whoever runs the registry calls such requests.
KINDS = {
    OperationClass.READ: "Reading",
    OperationClass.WRITE: "Changing",
    OperationClass.PUSH: "Publishing",
    OperationClass.TOKEN_ISSUE: "Making tokens",
    OperationClass.SIGN_IN: "Signing in",
    OperationClass.DEVICE: "Logging machines in",
    OperationClass.INVITATION: "Inviting people",
    OperationClass.FOUND: "Founding organizations",
    OperationClass.FAILURE: "Guessing credentials",
}


def blueprint(registry: Registry) -> func.Blueprint:
    """Return the Function of the page of limits."""
    bp, managing = func.Blueprint(), Managing(registry)

    @bp.route("manage/limits", methods=["GET", "HEAD"])
    @managing.page
    async def manage_limits(visit: Visit) -> func.HttpResponse:
        return visit.show(
            "manage/limits.html",
            pace=await registry.overseeing.pace(by=visit.principal),
            kinds=KINDS,
            subjects=tuple(Subject),
            is_of_one_process=_is_of_one_process,
            brake=registry.settings.brake_packages,
            brake_window=BRAKE_WINDOW,
            now_ms=registry.clock.now_ms(),
        )

    return bp


def _is_of_one_process(operation: OperationClass) -> bool:
    """Say whether each process counts such requests for itself."""
    return operation is OperationClass.READ
