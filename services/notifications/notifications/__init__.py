"""Tells the right people: officers through their inbox, agencies through webhooks, and somebody else when nobody acts."""
