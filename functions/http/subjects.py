"""Subjects of use cases that the path of a request names."""

from functions.http.calls import Call
from shared.domain.coordinates import Coordinate, Package
from shared.domain.names import OrgName


def named_organization(call: Call) -> OrgName:
    return call.org


def named_package(call: Call) -> Package:
    return call.package


def named_release(call: Call) -> Coordinate:
    return call.coordinate
