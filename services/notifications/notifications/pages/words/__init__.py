"""What notifications' pages say: Indonesian first, English second. Modules of their own because translators edit them, not programmers."""

from chassis.web.pages.words import joined

from notifications.pages.words import escalation, inbox, officers, prevention, subscriptions

WORDS = joined(module.WORDS for module in (inbox, officers, subscriptions, prevention, escalation))
