"""Where the services' pages are, through the gateway, and which roles they are for: the navigation that all of them share."""

from contracts.vocabulary import OfficerRole as Role

OFFICERS = frozenset({Role.INTAKE_OFFICER, Role.OUTREACH, Role.SUPERVISOR, Role.PLACEMENT_OFFICER, Role.SHELTER_HEAD, Role.PEKSOS, Role.OPERATOR})

PLACES: tuple[tuple[str, tuple[str, str], frozenset[str]], ...] = (
    (
        "/notifications/pages/inbox",
        ("Kotak masuk", "Inbox"),
        OFFICERS,
    ),
    ("/intake/pages/queue", ("Kasus", "Cases"), frozenset({Role.INTAKE_OFFICER, Role.OUTREACH, Role.SUPERVISOR})),
    ("/intake/pages/quarantine", ("Pesan yang menunggu", "Messages that wait"), frozenset({Role.OPERATOR})),
    ("/intake/pages/agencies", ("Instansi", "Agencies"), frozenset({Role.OPERATOR})),
    ("/notifications/pages/subscriptions", ("Langganan", "Subscriptions"), frozenset({Role.OPERATOR})),
    ("/notifications/pages/standing/all", ("Keadaan platform", "Platform"), frozenset({Role.OPERATOR})),
    ("/placement/pages/queue", ("Giliran", "Whose move"), frozenset({Role.SHELTER_HEAD, Role.PLACEMENT_OFFICER, Role.SUPERVISOR})),
    ("/placement/pages/waiting", ("Daftar tunggu", "Waiting list"), frozenset({Role.PLACEMENT_OFFICER, Role.SUPERVISOR})),
    ("/placement/pages/beds", ("Tempat tidur", "Beds"), frozenset({Role.SHELTER_HEAD, Role.PLACEMENT_OFFICER, Role.SUPERVISOR, Role.OPERATOR})),
    ("/assessment/pages/queue", ("Asesmen", "Assessments"), frozenset({Role.PEKSOS, Role.SUPERVISOR})),
    ("/assessment/pages/supervision", ("Pengawasan", "Supervision"), frozenset({Role.SUPERVISOR})),
    ("/assessment/pages/workers", ("Petugas", "Workers"), frozenset({Role.SUPERVISOR, Role.OPERATOR})),
    ("/assessment/pages/instruments", ("Instrumen", "Instruments"), frozenset({Role.OPERATOR})),
    ("/assessment/pages/programmes", ("Program", "Programmes"), frozenset({Role.PEKSOS, Role.SUPERVISOR, Role.OPERATOR})),
    ("/notifications/pages/prevention/sessions", ("Pencegahan", "Prevention"), OFFICERS - {Role.OPERATOR}),
    ("/notifications/pages/on-call", ("Piket", "On call"), frozenset({Role.SUPERVISOR, Role.OPERATOR})),
    ("/notifications/pages/escalation/policies", ("Eskalasi", "Escalation"), frozenset({Role.OPERATOR})),
    ("/notifications/pages/preferences", ("Setelan saya", "My settings"), OFFICERS),
)
"""Each entry: the path, its name in Indonesian and English, and who has a use for it. What a role may do there is the service's policy."""

STANDINGS = tuple(f"/{service}/pages/standing" for service in ("intake", "placement", "assessment", "notifications"))
"""Where an operator sees how each service stands."""

HOME = "/notifications/pages/inbox"


def page_of(link: str) -> str:
    """The page for people beside a path for systems: `/placement/placements/x` is `/placement/pages/placements/x`."""
    service, _, rest = link.removeprefix("/").partition("/")
    return f"/{service}/pages/{rest}"
