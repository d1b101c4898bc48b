"""What people do in placement: keep the register of shelters, answer offers, let households in and see who waits."""

from placement.api import needs, placements, shelters, stays

routers = [shelters.router, placements.router, stays.router, needs.router]
