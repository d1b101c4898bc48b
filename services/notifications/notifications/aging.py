"""What notifications lets go after some time: what an agency has got, what was acknowledged, what became of messages. Only what ended ages.

A delivery that waits, a notice that nobody acknowledged, and a message that an officer still has to look after stay, however old they are.
"""

from collections.abc import Mapping
from datetime import timedelta

from chassis import Transaction
from sqlalchemy import text

from notifications.prevention import contacts

DELIVERIES = text("""
    DELETE FROM delivery WHERE id IN (
        SELECT id FROM delivery WHERE (state = 'delivered' AND ended_at < :delivered) OR (state = 'failed' AND ended_at < :before)
        ORDER BY ended_at LIMIT :most FOR UPDATE SKIP LOCKED)""")
# By the risk of its case a later event is chosen, so the newest word on it stays when the event goes; and up to where the feed has gone is kept,
# so that who asks for it from an older place is told.
FEED = text("""
    WITH gone AS (
        DELETE FROM feed_event WHERE event_id IN (
            SELECT f.event_id FROM feed_event f WHERE f.heard_at < :before
                AND NOT EXISTS (SELECT FROM delivery d WHERE d.event_id = f.event_id AND d.state = 'pending')
            ORDER BY f.heard_at LIMIT :most FOR UPDATE SKIP LOCKED)
        RETURNING position, heard_at, follow_id, risk, version),
    known AS (
        INSERT INTO follow_risk (follow_id, risk, version)
        SELECT DISTINCT ON (follow_id) follow_id, risk, version FROM gone WHERE risk IS NOT NULL ORDER BY follow_id, version DESC
        ON CONFLICT (follow_id) DO UPDATE SET risk = excluded.risk, version = excluded.version WHERE follow_risk.version < excluded.version),
    horizon AS (
        INSERT INTO feed_horizon (position, heard_at) SELECT max(position), max(heard_at) FROM gone HAVING count(*) > 0
        ON CONFLICT (one) DO UPDATE SET position = greatest(feed_horizon.position, excluded.position),
            heard_at = greatest(feed_horizon.heard_at, excluded.heard_at))
    SELECT count(*) AS many FROM gone""")
# A notice of a case that goes on stays; one into which others were merged goes after them.
NOTICES = text("""
    WITH old AS (
        SELECT n.id FROM notice n WHERE n.acknowledged_at < :before
            AND NOT EXISTS (SELECT FROM case_file f WHERE f.case_id = n.case_id AND NOT f.ended)
            AND NOT EXISTS (SELECT FROM notice m WHERE m.merged_into = n.id)
        ORDER BY n.acknowledged_at LIMIT :most FOR UPDATE OF n SKIP LOCKED),
    reads AS (DELETE FROM notice_read WHERE notice_id IN (SELECT id FROM old)),
    links AS (DELETE FROM answer_link WHERE notice_id IN (SELECT id FROM old))
    DELETE FROM notice WHERE id IN (SELECT id FROM old)""")
LINKS = text("""
    DELETE FROM answer_link WHERE token IN (
        SELECT token FROM answer_link WHERE expires_at < :before ORDER BY expires_at LIMIT :most FOR UPDATE SKIP LOCKED)""")
# All of one message goes together: by which channels it was tried is known as long as it may be tried.
MESSAGES = text("""
    DELETE FROM survivor_message WHERE id IN (
        SELECT m.id FROM survivor_message m WHERE m.ended_at < :before AND m.state NOT IN ('planned', 'claimed')
            AND NOT EXISTS (
                SELECT FROM survivor_message o WHERE o.source = m.source AND o.person_id = m.person_id AND (o.ended_at IS NULL OR o.ended_at >= :before))
            AND NOT EXISTS (
                SELECT FROM notice n WHERE n.case_id = m.case_id AND n.acknowledged_at IS NULL
                    AND n.source IN (m.id || '/survivor.message_unsure', m.id || '/survivor.message_to_do'))
        ORDER BY m.ended_at LIMIT :most FOR UPDATE OF m SKIP LOCKED)""")
EMAILS, TEXTS = (
    text(f"""
    DELETE FROM {table} WHERE (officer, up_to) IN (
        SELECT officer, up_to FROM {table} WHERE claimed_at < :before ORDER BY claimed_at LIMIT :most FOR UPDATE SKIP LOCKED)""")  # noqa: S608 - constants
    for table in ("officer_message", "officer_text")
)


async def forget(tx: Transaction, most: int) -> Mapping[str, int]:
    """Let at most so many of each kind go that are past their time; how many went, by kind."""
    settings = tx.settings

    def before(days: float) -> dict[str, object]:
        return {"before": tx.now - timedelta(days=days), "most": most}

    sent = before(settings.feed_days) | {"delivered": tx.now - timedelta(days=settings.delivery_days)}
    return {
        "deliveries": (await tx.execute(DELIVERIES, sent)).rowcount,
        "feed_events": (await tx.execute(FEED, before(settings.feed_days))).scalar_one(),
        "notices": (await tx.execute(NOTICES, before(settings.notice_days))).rowcount,
        "answer_links": (await tx.execute(LINKS, before(settings.answer_link_days))).rowcount,
        "messages": (await tx.execute(MESSAGES, before(settings.message_days))).rowcount,
        "officer_emails": (await tx.execute(EMAILS, before(settings.officer_email_days))).rowcount,
        "officer_texts": (await tx.execute(TEXTS, before(settings.officer_email_days))).rowcount,
        **await contacts.forget(tx, most),
    }
