"""Which events there are, in the order in which a case meets them."""

from contracts import agencies, assessment, audit, intake, notifications, placement
from contracts.event import Event

LIFECYCLE: tuple[type[Event], ...] = (
    agencies.Referral,
    intake.Reported,
    placement.AdmittedDirectly,
    intake.Triaged,
    intake.RiskChanged,
    intake.HouseholdChanged,
    intake.Merged,
    intake.Unmerged,
    intake.OutreachDispatched,
    intake.OutreachArrived,
    intake.OutreachEnded,
    placement.Waitlisted,
    placement.Offered,
    placement.Extended,
    placement.Claimed,
    placement.Declined,
    placement.Expired,
    placement.Cancelled,
    placement.Unmet,
    placement.SplitApproved,
    placement.Accepted,
    placement.OnTheWay,
    placement.NoShow,
    placement.Admitted,
    assessment.Assigned,
    assessment.Reassigned,
    placement.TransferOffered,
    placement.TransferAnswered,
    placement.Transferred,
    assessment.AlertRaised,
    assessment.Completed,
    assessment.PlanReturned,
    assessment.PlanApproved,
    assessment.Reunified,
    assessment.RehabilitationStarted,
    assessment.RehabilitationCompleted,
    assessment.OutcomeReached,
    placement.Left,
    placement.Discharged,
    assessment.FollowupDue,
    assessment.FollowupDone,
    assessment.FollowupMissed,
    intake.Withdrawn,
    intake.ReferredOut,
    intake.Closed,
    intake.ClockMissed,
    placement.ClockMissed,
    placement.ProbingSuspected,
    assessment.ClockMissed,
    placement.AvailabilityChanged,
    placement.CensusMissed,
    notifications.Delivered,
    notifications.Failed,
    notifications.Acknowledged,
    notifications.Escalated,
    agencies.ReceiptAccepted,
    agencies.ReceiptIncomplete,
    agencies.ReceiptRejected,
    agencies.CaseOpened,
    agencies.CaseTriaged,
    agencies.ShelterSought,
    agencies.Sheltered,
    agencies.ShelterEnded,
    agencies.AssessmentBegan,
    agencies.CaseAssessed,
    agencies.CasePlanned,
    agencies.OutcomeReached,
    agencies.FollowedUp,
    agencies.CaseEnded,
    audit.IntakeSealed,
    audit.PlacementSealed,
    audit.AssessmentSealed,
    audit.NotificationsSealed,
)

BY_TYPE: dict[str, type[Event]] = {event.type: event for event in LIFECYCLE}
ORDER: dict[str, int] = {event.type: place for place, event in enumerate(LIFECYCLE)}


def read_by(service: str, stream: str) -> tuple[type[Event], ...]:
    """The events of one stream that a service reads, in lifecycle order."""
    return tuple(event for event in LIFECYCLE if event.stream == stream and service in event.read_by)


def said_by(producer: str) -> tuple[type[Event], ...]:
    """The events that a producer may say, in lifecycle order."""
    return tuple(event for event in LIFECYCLE if event.producer == producer)
