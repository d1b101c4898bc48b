"""What people do in placement: keep the register of shelters, answer offers, let households in and see who waits."""

from placement.api import indicators, inventory, inventory_csv, inventory_nights, needs, nights, placements, reasons, shelters, stays

routers = [
    shelters.router,
    inventory.router,
    inventory_csv.router,
    inventory_nights.router,
    placements.router,
    stays.router,
    needs.router,
    reasons.router,
    indicators.router,
    nights.router,
]
