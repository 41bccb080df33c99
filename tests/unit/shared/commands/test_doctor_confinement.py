"""The finding of doctor about the confined process."""

import pytest

from shared.bootstrap.checks import check_confinement
from shared.confined.access import Restriction
from shared.confined.child import restrictions_here

pytestmark = pytest.mark.measured


@pytest.mark.parametrize("restriction", Restriction)
def test_doctor_says_which_restrictions_this_machine_enforces(restriction: Restriction) -> None:
    finding = check_confinement()
    is_enforced = restriction in restrictions_here()
    assert (restriction.value in finding.found) is is_enforced
    assert (restriction.value in finding.way_out) is not is_enforced
