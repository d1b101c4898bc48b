"""What waits for officers, asked of the stores past all wires: the harness looks where an officer would look, but never loses sight."""

UNTRIAGED = """
    SELECT case_id, urgency, screen::text, responsible_agency FROM case_file
    WHERE state = 'reported' AND opened_at < now() - interval '2 seconds' ORDER BY opened_at LIMIT $1"""
TASKS = "SELECT task_id, agency FROM desk_task WHERE done_at IS NULL AND opened_at < now() - interval '3 seconds' LIMIT $1"
UNDER_WAY = """
    SELECT case_id, responsible_agency FROM case_file WHERE state NOT IN ('closed', 'withdrawn', 'referred_out', 'contact_lost', 'reported')
    ORDER BY random() LIMIT $1"""
READY = "SELECT case_id, responsible_agency FROM case_file WHERE state = 'ready_to_close' LIMIT $1"
OFFERS = """
    SELECT id, case_id, shelter_id, state, members::text, transfer_of,
        array(SELECT person_id::text FROM stay WHERE placement_id = p.id AND ended_as IS NULL AND NOT isempty(during)) AS inside
    FROM placement p
    WHERE state IN ('offered', 'accepted', 'on_the_way', 'admitted')
        OR (state = 'no_show' AND EXISTS (SELECT 1 FROM need n WHERE n.case_id = p.case_id AND n.state = 'no_show' AND NOT n.ended))
    ORDER BY (state = 'admitted'), offered_at LIMIT $1"""
WAITING = "SELECT case_id FROM need WHERE state = 'waiting' ORDER BY waiting_since, case_id LIMIT $1"
WORK = """
    SELECT case_id, worker_id, state, members::text, goals::text, sheltered FROM assessment_case
    WHERE state IN ('assigned', 'assessed', 'plan_proposed', 'plan_approved') AND NOT ended ORDER BY random() LIMIT $1"""
FOLLOWUPS = """
    SELECT case_id, worker_id, followups::text FROM assessment_case
    WHERE state = 'monitoring' AND NOT ended AND followups::text LIKE '%"due"%' ORDER BY random() LIMIT $1"""
NOTICES = """
    SELECT id, agency FROM notice WHERE acknowledged_at IS NULL AND role = 'intake_officer' AND agency IN ('dppapp', 'dinsos')
    ORDER BY position DESC LIMIT $1"""
