"""From the door to the end of a stay: arrivals, stays, transfers, and beds for those whom a restored store lost."""
