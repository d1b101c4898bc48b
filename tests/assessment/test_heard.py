from uuid import uuid4

from assessment import handlers
from assessment.domain import case
from chassis import Received
from contracts import catalogue, golden

from tests.assessment.builders import CASE, NOW


def test_a_fact_that_says_nothing_of_where_a_case_stands_ends_none():
    # A restore tells the case all that was heard: an erased person, or a provider's answer, is no end.
    endings = {"withdrawn", "referred_out", "contact_lost", "closed"}
    for event in catalogue.read_by("assessment", "CASES"):
        received = Received(uuid4(), event.type, "", CASE, NOW, 1, golden.sample(event), event.type, b"", "", None)
        over = any(isinstance(told, case.Over) for told in handlers.told_by(received))
        assert over is (event.type.split(".")[2] in endings), event.type
