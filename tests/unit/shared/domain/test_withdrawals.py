"""Public reasons of withdrawals."""

import pytest

from shared.domain.errors.base import InvalidRequest
from shared.domain.withdrawal_reasons import PublicReason, WithdrawalReason
from shared.domain.withdrawals import parse_public_reason


def test_a_public_reason_has_a_category_and_a_line() -> None:
    assert parse_public_reason("", " ") is None
    assert parse_public_reason("malware", "") == PublicReason(why=WithdrawalReason.MALWARE)
    noted = parse_public_reason("", "See\nadvisory 7.")
    assert noted == PublicReason(why=WithdrawalReason.OTHER, note="See advisory 7.")
    assert str(noted) == "other: See advisory 7."
    assert str(parse_public_reason("legal", "")) == "legal"
    for why, note in (("nonsense", ""), ("malware", "x" * 501)):
        with pytest.raises(InvalidRequest, match=r"one of malware|public explanation has 501"):
            parse_public_reason(why, note)
