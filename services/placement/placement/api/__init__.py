"""What people do in placement: keep the register of shelters, answer offers, let households in and see who waits."""

from placement.api import indicators, placements, reasons, shelters

routers = [shelters.router, placements.router, reasons.router, indicators.router]
