"""Consent, disclosures and restrictions: `records` keeps them, `sharing` does what follows from them, `relearning` makes them again."""
