"""Agencies' webhooks: their subscriptions, what is sent to them, and what is not sent any more."""
