"""How placement did in a time: each indicator is one set-based question to the rows, none is a count kept somewhere.

Days are those of Jakarta, and a night belongs to the day on which it begins: who is in a bed at midnight slept there.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from chassis import Transaction
from sqlalchemy import Row, text

# The first offer of each case, how long after the case asked, and when somebody said yes and the household came, if they did.
TIMES = text("""
    WITH first AS (
        SELECT DISTINCT ON (placement.case_id) placement.case_id, placement.offered_at, need.waiting_since
        FROM placement JOIN need ON need.case_id = placement.case_id
        WHERE placement.offered_at >= CAST(:since AS timestamptz) AND placement.offered_at < CAST(:until AS timestamptz)
            AND NOT placement.direct AND placement.transfer_of IS NULL
            AND need.waiting_since IS NOT NULL
        ORDER BY placement.case_id, placement.offered_at),
    later AS (
        SELECT placement.case_id, min(accepted.at) AS accepted_at, min(placement.admitted_at) AS admitted_at
        FROM placement LEFT JOIN placement_step accepted ON accepted.placement_id = placement.id AND accepted.step = 'accepted'
        WHERE placement.case_id IN (SELECT case_id FROM first) GROUP BY placement.case_id),
    answers AS (
        SELECT placement.offered_at, accepted.at AS accepted_at, placement.admitted_at
        FROM placement JOIN placement_step accepted ON accepted.placement_id = placement.id AND accepted.step = 'accepted'
        WHERE placement.offered_at >= CAST(:since AS timestamptz) AND placement.offered_at < CAST(:until AS timestamptz) AND NOT placement.direct),
    spans AS (
        SELECT 'need_to_offer' AS name, offered_at - waiting_since AS span FROM first
        UNION ALL SELECT 'need_to_acceptance', accepted_at - waiting_since FROM first JOIN later USING (case_id)
        UNION ALL SELECT 'need_to_bed', admitted_at - waiting_since FROM first JOIN later USING (case_id)
        UNION ALL SELECT 'offer_to_acceptance', accepted_at - offered_at FROM answers
        UNION ALL SELECT 'acceptance_to_bed', admitted_at - accepted_at FROM answers)
    SELECT name, count(*) AS n,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY greatest(0, extract(epoch FROM span))) AS median,
        percentile_cont(0.9) WITHIN GROUP (ORDER BY greatest(0, extract(epoch FROM span))) AS p90
    FROM spans WHERE span IS NOT NULL GROUP BY name ORDER BY name""")
DECLINES = text("""
    SELECT placement.reason, shelter.secret, count(*) AS n FROM placement JOIN shelter ON shelter.id = placement.shelter_id
    WHERE placement.state = 'declined' AND placement.offered_at >= CAST(:since AS timestamptz) AND placement.offered_at < CAST(:until AS timestamptz)
    GROUP BY placement.reason, shelter.secret ORDER BY placement.reason, shelter.secret""")
# A bed is slept in on the nights from that in which it began to be to before that in which it ended, so that what changed on which night is
# enough: nobody is counted night by night, and a year of a big city costs what its stays do.
NIGHT_OF = "CAST(({0} AT TIME ZONE 'Asia/Jakarta') - interval '1 microsecond' AS date)"
CHANGES = f"""
    slept AS (
        SELECT room.shelter_id,
            greatest({NIGHT_OF.format("greatest(placement.admitted_at, lower(each.span))")}, CAST(:first AS date)) AS since,
            {NIGHT_OF.format("least(upper(each.span), CAST(:until AS timestamptz) + interval '1 day')")} AS until
        FROM stay JOIN placement ON placement.id = stay.placement_id AND placement.admitted_at IS NOT NULL
        JOIN bed ON bed.id = stay.bed_id JOIN room ON room.id = bed.room_id
        CROSS JOIN LATERAL (SELECT coalesce(stay.in_it, stay.during) AS span) AS each
        WHERE stay.during && tstzrange(CAST(:since AS timestamptz), CAST(:until AS timestamptz)) AND NOT isempty(each.span)),
    step AS (
        SELECT shelter_id, since AS day, 1 AS n FROM slept WHERE since < until
        UNION ALL SELECT shelter_id, until, -1 FROM slept WHERE since < until),
    night AS (
        SELECT CAST(day AS date) AS day FROM generate_series(CAST(CAST(:first AS date) AS timestamp), CAST(CAST(:last AS date) AS timestamp),
            interval '1 day') AS each (day)
        WHERE (day + interval '1 day') AT TIME ZONE 'Asia/Jakarta' <= CAST(:now AS timestamptz)),
    equipped AS (
        SELECT room.shelter_id, count(*) FILTER (WHERE NOT bed.out_of_service) AS beds
        FROM bed JOIN room ON room.id = bed.room_id GROUP BY room.shelter_id)"""  # noqa: S608 - names of this module's own
OCCUPANCY = text(f"""
    WITH {CHANGES},
    change AS (SELECT shelter_id, day, sum(n) AS n FROM step GROUP BY shelter_id, day)
    SELECT shelter.id, shelter.name, shelter.kind, shelter.secret, night.day,
        CAST(sum(coalesce(change.n, 0)) OVER (PARTITION BY shelter.id ORDER BY night.day) AS int) AS people, coalesce(equipped.beds, 0) AS beds
    FROM shelter CROSS JOIN night LEFT JOIN change ON change.shelter_id = shelter.id AND change.day = night.day
    LEFT JOIN equipped ON equipped.shelter_id = shelter.id
    ORDER BY night.day, shelter.id""")  # noqa: S608 - the same
NIGHTS = text(f"""
    WITH {CHANGES},
    change AS (SELECT day, sum(n) AS n FROM step WHERE shelter_id = ANY(CAST(:shelters AS uuid[])) GROUP BY day)
    SELECT night.day, CAST(sum(coalesce(change.n, 0)) OVER (ORDER BY night.day) AS int) AS people,
        (SELECT CAST(coalesce(sum(beds), 0) AS int) FROM equipped WHERE shelter_id = ANY(CAST(:shelters AS uuid[]))) AS beds
    FROM night LEFT JOIN change ON change.day = night.day ORDER BY night.day""")  # noqa: S608 - the same
LOOKED = text("""
    SELECT min(at) AS at, bool_or(at IS NULL) AS never FROM (
        SELECT (SELECT confirmed_at FROM census WHERE shelter_id = shelter.id ORDER BY night DESC LIMIT 1) AS at
        FROM shelter WHERE id = ANY(CAST(:shelters AS uuid[]))) AS newest""")
STAYS = text("""
    SELECT shelter.id, shelter.secret, count(*) AS n,
        avg(extract(epoch FROM upper(stay.during) - greatest(placement.admitted_at, lower(stay.during)))) / 86400 AS days
    FROM stay JOIN placement ON placement.id = stay.placement_id JOIN shelter ON shelter.id = placement.shelter_id
    WHERE stay.ended_as IS NOT NULL AND placement.admitted_at IS NOT NULL AND NOT isempty(stay.during)
        AND stay.during && tstzrange(CAST(:since AS timestamptz), CAST(:until AS timestamptz))
        AND upper(stay.during) >= CAST(:since AS timestamptz) AND upper(stay.during) < CAST(:until AS timestamptz)
    GROUP BY shelter.id ORDER BY shelter.id""")
RE_ENTRIES = text("""
    SELECT count(*) AS admissions, count(*) FILTER (WHERE EXISTS (
        SELECT FROM stay now JOIN stay earlier ON earlier.person_id = now.person_id AND earlier.placement_id <> now.placement_id
        WHERE now.placement_id = placement.id AND earlier.ended_as IS NOT NULL AND NOT isempty(earlier.during)
            AND upper(earlier.during) <= placement.admitted_at AND upper(earlier.during) > placement.admitted_at - interval '90 days')) AS again
    FROM placement
    WHERE placement.admitted_at >= CAST(:since AS timestamptz) AND placement.admitted_at < CAST(:until AS timestamptz) AND placement.transfer_of IS NULL""")
UNMET = text("""
    SELECT count(*) AS needs, coalesce(sum(persons * nights), 0) AS bed_nights, count(*) FILTER (WHERE ended_as = 'housed') AS housed_later
    FROM unmet_need CROSS JOIN LATERAL (SELECT greatest(0,
        CAST(least(coalesce(ended_at, CAST(:now AS timestamptz)), CAST(:until AS timestamptz), CAST(:now AS timestamptz)) AT TIME ZONE 'Asia/Jakarta' AS date)
        - CAST(greatest(since, CAST(:since AS timestamptz)) AT TIME ZONE 'Asia/Jakarta' AS date)) AS nights) AS slept_elsewhere
    WHERE since < CAST(:until AS timestamptz) AND coalesce(ended_at, CAST(:now AS timestamptz)) >= CAST(:since AS timestamptz)""")
# Of the newest decision on each case that found no home: the rules that refused every open home, so that each alone was enough.
BLOCKING = text("""
    WITH newest AS (
        SELECT DISTINCT ON (case_id) case_id, considered, shelter_id FROM decision
        WHERE made_at >= CAST(:since AS timestamptz) AND made_at < CAST(:until AS timestamptz)
        ORDER BY case_id, made_at DESC, id DESC),
    home AS (
        SELECT newest.case_id, entry.number, entry.home FROM newest
        CROSS JOIN LATERAL jsonb_array_elements(considered) WITH ORDINALITY AS entry (home, number)
        WHERE newest.shelter_id IS NULL AND (CAST(:secret AS boolean) OR NOT CAST(entry.home ->> 'secret' AS boolean))
            AND NOT jsonb_path_exists(entry.home, '$.said[*] ? (@[0] == "closed" && @[2] == "no")')),
    refused AS (
        SELECT DISTINCT home.case_id, home.number, verdict.said ->> 0 AS rule FROM home
        CROSS JOIN LATERAL jsonb_array_elements(home.home -> 'said') AS verdict (said) WHERE verdict.said ->> 2 = 'no'),
    everywhere AS (
        SELECT refused.case_id, refused.rule FROM refused GROUP BY refused.case_id, refused.rule
        HAVING count(*) = (SELECT count(*) FROM home WHERE home.case_id = refused.case_id))
    SELECT rule, count(*) AS households FROM everywhere GROUP BY rule ORDER BY households DESC, rule""")


@dataclass(frozen=True, slots=True)
class Asked:
    """The time that is asked about: from the first to the last day, and the moments at which they begin and end in Jakarta."""

    first: date
    last: date
    since: datetime
    until: datetime

    @property
    def moments(self) -> dict[str, Any]:
        """As the questions take them."""
        return {"since": self.since, "until": self.until}


async def times(tx: Transaction, asked: Asked) -> Sequence[Row[Any]]:
    """Seconds between the steps to a bed: how many, median and 90th percentile, for each pair of steps."""
    return await tx.rows(TIMES, asked.moments)


async def declines(tx: Transaction, asked: Asked) -> Sequence[Row[Any]]:
    """How often heads said no to offers made in this time, by reason, secret shelters apart."""
    return await tx.rows(DECLINES, asked.moments)


async def occupancy(tx: Transaction, asked: Asked) -> Sequence[Row[Any]]:
    """People who slept in each shelter on each day whose midnight is over, and the beds that it has in service now."""
    return await tx.rows(OCCUPANCY, asked.moments | {"first": asked.first, "last": asked.last, "now": tx.now})


async def nights(tx: Transaction, asked: Asked, shelters: Collection[UUID]) -> Sequence[Row[Any]]:
    """The same of these shelters together: a row for each day whose midnight is over."""
    return await tx.rows(NIGHTS, asked.moments | {"first": asked.first, "last": asked.last, "now": tx.now, "shelters": list(shelters)})


async def looked(tx: Transaction, shelters: Collection[UUID]) -> datetime | None:
    """When somebody last looked who sleeps in these: in that which waits longest; None if one never was."""
    (row,) = await tx.rows(LOOKED, {"shelters": list(shelters)})
    return None if row.never else row.at


async def stays(tx: Transaction, asked: Asked) -> Sequence[Row[Any]]:
    """Stays that ended in this time, and how many days they lasted on average, by shelter."""
    return await tx.rows(STAYS, asked.moments)


async def re_entries(tx: Transaction, asked: Asked) -> Row[Any]:
    """Admissions in this time, and those of somebody who had left a shelter within the 90 days before."""
    (row,) = await tx.rows(RE_ENTRIES, asked.moments)
    return row


async def unmet(tx: Transaction, asked: Asked) -> Row[Any]:
    """Needs that were unmet at some moment of this time, the nights that their persons spent without a bed, and how many got one later."""
    (row,) = await tx.rows(UNMET, asked.moments | {"now": tx.now})
    return row


async def blocking(tx: Transaction, asked: Asked, *, secret: bool) -> Sequence[Row[Any]]:
    """Rules that alone refused every open home for a household, and for how many households; with the secret homes or without."""
    return await tx.rows(BLOCKING, asked.moments | {"secret": secret})
