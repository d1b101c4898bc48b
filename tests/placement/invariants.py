"""What must hold of placement's store whatever happened, asked of its rows from outside: each question must have no answer."""

BED_TWICE = """
    SELECT a.bed_id FROM stay a JOIN stay b ON a.bed_id = b.bed_id AND (a.placement_id, a.person_id) < (b.placement_id, b.person_id)
        AND a.during && b.during"""
PERSON_TWICE = """
    SELECT a.person_id FROM stay a JOIN stay b ON a.person_id = b.person_id AND a.placement_id < b.placement_id
        AND coalesce(a.in_it, a.during) && coalesce(b.in_it, b.during)"""
# Of what is offered or expected every member has a bed, until the very end of the hold or the time of arrival.
LOST_HOLD = """
    SELECT p.id FROM placement p WHERE p.state IN ('offered', 'accepted', 'on_the_way') AND (
        SELECT count(*) FROM stay s WHERE s.placement_id = p.id AND s.ended_as IS NULL
            AND upper(s.during) = CASE WHEN p.state = 'offered' THEN p.hold_until ELSE p.arrive_by END) <> jsonb_array_length(p.members)"""
# Who was admitted sleeps in her bed without an end until she goes; nobody sleeps where no stay is.
NO_BED = """
    SELECT p.id FROM placement p WHERE p.state = 'admitted' AND NOT EXISTS (
        SELECT FROM stay s WHERE s.placement_id = p.id AND s.ended_as IS NULL AND upper_inf(s.during) AND NOT isempty(s.during)
            AND coalesce(upper_inf(s.in_it) AND NOT isempty(s.in_it), true))
    UNION ALL
    SELECT p.id FROM placement p WHERE p.state = 'admitted'
        AND (SELECT count(*) FROM stay s WHERE s.placement_id = p.id) <> jsonb_array_length(p.members)"""
GHOSTS = """
    SELECT s.placement_id FROM stay s JOIN placement p ON p.id = s.placement_id
    WHERE s.ended_as IS NULL AND NOT isempty(s.during) AND p.state NOT IN ('offered', 'accepted', 'on_the_way', 'admitted')"""
NO_CLOCK = """
    SELECT n.case_id, n.state FROM need n
    JOIN (VALUES ('waiting', 'waiting_review'), ('offered', 'hold'), ('accepted', 'arrival'), ('on_the_way', 'arrival'), ('admitted', 'stay_review'),
        ('no_show', 'no_show_review')) AS kept (state, kind) ON kept.state = n.state
    WHERE NOT EXISTS (SELECT FROM clock c WHERE c.subject = n.case_id AND c.kind = kept.kind)
    UNION ALL
    SELECT p.id, 'transfer' FROM placement p WHERE p.transfer_of IS NOT NULL AND p.state IN ('offered', 'accepted')
        AND NOT EXISTS (SELECT FROM clock c WHERE c.subject = p.case_id AND c.kind = 'transfer' AND c.key = p.id::text)"""
# A need says what its placement says, and who is asked to be taken over stays somewhere.
AT_ODDS = """
    SELECT n.case_id, n.state FROM need n WHERE n.state IN ('offered', 'accepted', 'on_the_way', 'admitted')
        AND NOT EXISTS (SELECT FROM placement p WHERE p.case_id = n.case_id AND p.state = n.state)
    UNION ALL
    SELECT p.case_id, p.state FROM placement p JOIN need n ON n.case_id = p.case_id
    WHERE p.transfer_of IS NULL AND p.state IN ('offered', 'accepted', 'on_the_way', 'admitted') AND p.state <> n.state
    UNION ALL
    SELECT p.case_id, p.state FROM placement p WHERE p.transfer_of IS NOT NULL AND p.state IN ('offered', 'accepted')
        AND NOT EXISTS (SELECT FROM placement old WHERE old.id = p.transfer_of AND old.state = 'admitted')"""
BLOCKED = """
    SELECT s.placement_id, b.kind FROM stay s JOIN placement p ON p.id = s.placement_id
    JOIN bed_block b ON b.bed_id = s.bed_id AND b.during @> lower(s.during) AND lower(b.during) < lower(s.during) - interval '5 seconds'
    WHERE NOT isempty(s.during)"""
CLOSED = """
    SELECT p.id, c.kind FROM placement p JOIN closure c ON c.shelter_id = p.shelter_id AND NOT p.direct AND c.during @> p.offered_at
        AND lower(c.during) < p.offered_at - interval '5 seconds'"""
# Whatever else holds: no message and no clock is given up, every fact is counted once, and no unmet need is counted twice.
SET_ASIDE = "SELECT route, reason FROM dead_letter"
FAILED = "SELECT kind, attempts FROM clock WHERE attempts > 0"
GAPS = """
    SELECT subject FROM outbox GROUP BY subject HAVING count(*) <> max(factversion) OR count(DISTINCT factversion) <> count(*)"""
# Who waits and was told so has an open line in the ledger of unmet needs; who has a bed, or looks for none, has none.
LEDGER = """
    SELECT n.case_id, n.state FROM need n LEFT JOIN unmet_need u ON u.case_id = n.case_id AND u.ended_at IS NULL
    WHERE (n.waitlisted AND u.id IS NULL) OR (n.state IN ('none', 'admitted', 'settled', 'declined', 'ended') AND u.id IS NOT NULL)"""
MUST_BE_EMPTY = {
    "a bed twice": BED_TWICE,
    "a person twice": PERSON_TWICE,
    "a hold lost, or of part of a household": LOST_HOLD,
    "an admission without its beds": NO_BED,
    "a bed kept for nobody": GHOSTS,
    "a dead end": NO_CLOCK,
    "a need at odds with its placements": AT_ODDS,
    "a bed given that was cleaned or out of service": BLOCKED,
    "a shelter offered that was closed": CLOSED,
    "a message set aside": SET_ASIDE,
    "a clock that failed": FAILED,
    "facts counted wrong": GAPS,
    "a ledger at odds with the needs": LEDGER,
}
