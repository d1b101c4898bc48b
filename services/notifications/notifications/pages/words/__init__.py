"""What notifications' pages say: Indonesian first, English second. Modules of their own because translators edit them, not programmers."""

from collections.abc import Mapping

from chassis.web.pages.words import Sentence

from notifications.pages.words import escalation, inbox, officers, prevention, subscriptions

WORDS: Mapping[str, Sentence] = {**inbox.WORDS, **officers.WORDS, **subscriptions.WORDS, **prevention.WORDS, **escalation.WORDS}
