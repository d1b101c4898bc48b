"""The assessment service: who assesses a case, what comes of it, the plan per person, its outcomes and the follow-ups."""
