"""The closed lists: every code an event may carry, with the published list it follows; those of incidents, of reasons and of services
are in `incidents`, `grounds` and `services`.

Sources: SIMFONI PPA code lists (violence, place, relation), Permensos 8/2012 (the 26 PPKS categories), Kepmendagri
300.2.2-2138 of 2025 (areas).
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

AreaCode = Annotated[str, Field(pattern=r"^\d{2}\.\d{2}\.\d{2}$", description="Kemendagri district (kecamatan) code, PP.KK.CC")]
CityCode = Annotated[str, Field(pattern=r"^\d{2}\.\d{2}$", description="Kemendagri city or regency code, PP.KK")]
AgencyCode = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,30}$", description="an agency as the operator registered it")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="a SHA-256 hash in hex")]
RuleCode = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,39}$", description="the code of a rule or clock")]
FieldPath = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.]{0,79}$", description="the path of a field in what was submitted")]
PpksCategory = Annotated[int, Field(ge=1, le=26, description="Permensos 8/2012 category, 1-26")]
PostCode = Annotated[
    str,
    Field(
        pattern=r"^(pos|rptra|sapa|upt|p3s)-\d{2}\.\d{2}\.\d{2}(-\d{1,3})?$",
        description="where a report was received: kind of post, district, number in the district",
    ),
]
AgeYears = Annotated[int, Field(ge=0, le=120, description="age in completed years")]


class Sex(StrEnum):
    """Sex as recorded."""

    FEMALE = "female"
    MALE = "male"
    UNKNOWN = "unknown"


class HouseholdRole(StrEnum):
    """What a person is in the household."""

    VICTIM = "victim"
    CARER = "carer"
    CHILD = "child"
    OTHER = "other"


class Need(StrEnum):
    """What a person needs of a place to stay."""

    WHEELCHAIR = "wheelchair"
    SENSORY = "sensory"
    CARE = "care"
    PREGNANT = "pregnant"
    PREGNANT_LATE = "pregnant_late"
    INFANT = "infant"
    INFECTIOUS = "infectious"
    ACUTE_PSYCHIATRIC = "acute_psychiatric"
    MEDICATION = "medication"
    INTERPRETER = "interpreter"


class ViolenceType(StrEnum):
    """SIMFONI violence types; a case has a list of them."""

    PHYSICAL = "fisik"
    PSYCHOLOGICAL = "psikis"
    SEXUAL = "seksual"
    EXPLOITATION = "eksploitasi"
    TRAFFICKING = "trafficking"
    NEGLECT = "penelantaran"
    OTHER = "lainnya"


class JoinerPlace(StrEnum):
    """Where somebody sleeps who joined a household that is in a shelter."""

    WITH_HOUSEHOLD = "with_household"
    ELSEWHERE_SAFE = "elsewhere_safe"
    OWN_REQUEST = "own_request"


class Channel(StrEnum):
    """How a report came in (Jakarta's posts, lines and agencies)."""

    WALK_IN = "walk_in_upt"
    POST = "pos_pengaduan"
    HOTLINE_WA = "hotline_wa"
    CALL_112 = "call_112"
    SAPA_129 = "sapa129"
    APP = "jaki_app"
    OUTREACH = "p3s_outreach"
    POLICE = "police"
    HOSPITAL = "hospital"
    SCHOOL = "school"
    RPTRA = "rptra"
    NGO = "ngo_lsm"
    SATPOL_PP = "satpol_pp"
    CHILDRENS_FORUM = "forum_anak"
    OTHER_UPTD = "other_uptd"
    MINISTRY = "ministry"
    COURT_LPSK = "court_lpsk"
    MEDIA = "media"
    PUBLIC = "public"
    AGENCY = "agency"
    PLACEMENT = "placement"
    ONLINE = "online"


class ReporterRole(StrEnum):
    """Who reports."""

    SELF = "self"
    FAMILY = "family"
    NEIGHBOUR = "neighbour"
    PROFESSIONAL = "professional"
    ANONYMOUS = "anonymous"


class AreaKind(StrEnum):
    """What an area is to the case."""

    INCIDENT = "incident"
    HOME = "home"
    FOUND = "found"


class Risk(StrEnum):
    """Risk level (tinggi, sedang, rendah); the order of the members is the order of urgency."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class RedFlag(StrEnum):
    """Facts of the safety screen, any of which puts the risk at high."""

    STRANGULATION = "strangulation"
    WEAPON = "weapon"
    THREAT_TO_KILL = "threat_to_kill"
    ESCALATION = "escalation"
    SEPARATION = "separation"
    PREGNANCY = "pregnancy"
    PERPETRATOR_HAS_ACCESS = "perpetrator_has_access"
    SUICIDAL = "suicidal"
    CHILD_ALONE = "child_alone"


class ShelterGround(StrEnum):
    """Why a secret safe house may be used (local standards for Rumah Aman)."""

    THREAT_TO_LIFE = "threat_to_life"
    PERPETRATOR_IS_FAMILY = "perpetrator_is_family"
    ORGANISED_NETWORK = "organised_network"
    REJECTED_BY_FAMILY = "rejected_by_family"
    WITNESS = "witness"
    TRAFFICKED_OUT_OF_REGION = "trafficked_out_of_region"
    UNACCOMPANIED_CHILD = "unaccompanied_child"
    DISABILITY_AT_RISK = "disability_at_risk"
    HOMELESS = "homeless"


class OutreachResult(StrEnum):
    """How an outreach ended."""

    FOUND = "found"
    REFUSED = "refused"
    BROUGHT = "brought"
    NOT_FOUND = "not_found"
    HELPED_ON_SITE = "helped_on_site"
    TAKEN_TO_HOSPITAL = "taken_to_hospital"


class StreetAgreement(StrEnum):
    """What a person whom outreach met said to coming along, or why nobody knows."""

    AGREED = "agreed"
    BY_GUARDIAN = "by_guardian"
    ALTERNATIVE_CONSENTER = "alternative_consenter"
    LEGAL_GROUND = "legal_ground"
    REFUSED = "refused"
    UNABLE = "unable"
    NOT_ASKED = "not_asked"
    NOT_MET = "not_met"


class DeclineReason(StrEnum):
    """Why a shelter's head says no."""

    FULL = "full"
    CANNOT_MEET_NEEDS = "cannot_meet_needs"
    WRONG_POPULATION = "wrong_population"
    SAFETY_CONFLICT = "safety_conflict"
    TOO_NEAR = "too_near"
    TOO_FAR = "too_far"
    HOUSEHOLD_TOO_LARGE = "household_too_large"
    INELIGIBLE = "ineligible"


class CancelReason(StrEnum):
    """Why an offer was taken back."""

    SURVIVOR_DECLINED = "survivor_declined"
    SURVIVOR_UNREACHABLE = "survivor_unreachable"
    NO_LONGER_NEEDED = "no_longer_needed"
    HOUSEHOLD_CHANGED = "household_changed"
    CASE_ENDED = "case_ended"


class Agreement(StrEnum):
    """How a person agreed to be admitted; `legal_ground` needs an end date and a review."""

    OWN = "own"
    OWN_VIEW_AND_CONSENTER = "own_view_and_consenter"
    ALTERNATIVE_CONSENTER = "alternative_consenter"
    LEGAL_GROUND = "legal_ground"


class Destination(StrEnum):
    """Where a person goes from a shelter."""

    FAMILY = "family"
    OTHER_REGION = "other_region"
    KIN_OR_FOSTER = "kin_or_foster"
    REHABILITATION = "rehabilitation"
    INDEPENDENT = "independent"
    OTHER_SHELTER = "other_shelter"
    HOSPITAL = "hospital"
    OWN_CHOICE = "own_choice"
    DIED = "died"


class Handover(StrEnum):
    """How a household comes to a shelter; whoever drives need not know the address."""

    SHELTER_FETCHES = "shelter_fetches"
    MEETING_POINT = "meeting_point"
    ESCORT = "escort"


class TransferAnswer(StrEnum):
    """What became of the question whether another shelter takes somebody over."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class SplitReason(StrEnum):
    """Why a household is housed apart, in its best interests."""

    SAFETY = "safety"
    HEALTH = "health"
    CARE_NEED = "care_need"
    OWN_WISH = "own_wish"
    NO_JOINT_PLACE = "no_joint_place"


class Outcome(StrEnum):
    """What an approved plan leads to, decided per person."""

    REUNIFICATION = "reunification"
    RETURN_TO_OTHER_REGION = "return_to_other_region"
    KIN_OR_FOSTER_CARE = "kin_or_foster_care"
    REHABILITATION = "rehabilitation"
    SERVICES_AT_HOME = "services_at_home"
    INDEPENDENT_LIVING = "independent_living"
    REFERRAL_OUT = "referral_out"


class ReviewFinding(StrEnum):
    """What a review of an approved plan found."""

    ON_TRACK = "on_track"
    CHANGE_NEEDED = "change_needed"
    UNSAFE = "unsafe"


class ConferenceDecision(StrEnum):
    """What a case conference decided."""

    PLAN_SUPPORTED = "plan_supported"
    PLAN_TO_CHANGE = "plan_to_change"
    MORE_INFORMATION = "more_information"
    URGENT_MEASURES = "urgent_measures"
    TRANSFER_ADVISED = "transfer_advised"
    CLOSURE_ADVISED = "closure_advised"


class AssessmentKind(StrEnum):
    """Which assessment it is: the first look, the comprehensive one, or one of those that follow."""

    INITIAL = "initial"
    COMPREHENSIVE = "comprehensive"
    REASSESSMENT = "reassessment"


class Relation(StrEnum):
    """What the receiver is to the person who comes home."""

    PARENT = "parent"
    SPOUSE = "spouse"
    SIBLING = "sibling"
    GRANDPARENT = "grandparent"
    OTHER_KIN = "other_kin"
    GUARDIAN = "guardian"
    NONE = "none"


class Band(StrEnum):
    """Overall band of an assessment."""

    MINIMAL = "minimal"
    MILD = "mild"
    MODERATE = "moderate"
    SEVERE = "severe"


class AssessmentFlag(StrEnum):
    """What an assessment found that needs attention."""

    SELF_HARM = "self_harm"
    SEVERE_DISTRESS = "severe_distress"
    CHILD_AT_RISK = "child_at_risk"


class ReturnReason(StrEnum):
    """Why a supervisor sent a plan back."""

    INCOMPLETE = "incomplete"
    NOT_AGREED = "not_agreed"
    UNSAFE = "unsafe"
    OTHER_OUTCOME = "other_outcome"


class FollowupResult(StrEnum):
    """What a follow-up found."""

    SAFE = "safe"
    NEEDS_SUPPORT = "needs_support"
    UNSAFE = "unsafe"
    NOT_REACHED = "not_reached"


class Availability(StrEnum):
    """Whether a kind of shelter has room."""

    AVAILABLE = "available"
    FULL = "full"


class NoticeChannel(StrEnum):
    """How a notice travels."""

    INBOX = "inbox"
    WEBHOOK = "webhook"
    SMS = "sms"
    WHATSAPP = "whatsapp"
    EMAIL = "email"


class OfficerRole(StrEnum):
    """Roles of officers and systems."""

    INTAKE_OFFICER = "intake_officer"
    OUTREACH = "outreach"
    SUPERVISOR = "supervisor"
    PLACEMENT_OFFICER = "placement_officer"
    SHELTER_HEAD = "shelter_head"
    PEKSOS = "peksos"
    AGENCY_SYSTEM = "agency_system"
    OPERATOR = "operator"


class ProblemCode(StrEnum):
    """What is wrong with a submitted field; the value itself is never echoed."""

    MISSING = "missing"
    INVALID = "invalid"
    UNKNOWN_CODE = "unknown_code"
    NOT_IN_AREA_LIST = "not_in_area_list"
    NIK_IMPOSSIBLE = "nik_impossible"
    NIK_DIFFERS = "nik_differs"
    NIK_NOT_JAKARTA = "nik_not_jakarta"
    NIK_UNKNOWN_DISTRICT = "nik_unknown_district"
    NIK_IN_TEXT = "nik_in_text"
    PHONE_IN_TEXT = "phone_in_text"
    REFERENCE_REUSED = "reference_reused"
    UNREADABLE = "unreadable"
    WRONG_AGENCY = "wrong_agency"
    UNKNOWN_KEY = "unknown_key"
    UNOPENABLE = "unopenable"
    UNKNOWN_TYPE = "unknown_type"
