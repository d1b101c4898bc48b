"""Versions of instruments are added, published and withdrawn while assessments are under way; without its wording one is for training only."""

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from assessment import definitions

from ops import wordings
from tests.assessment.builders import CHILD, MOTHER, triaged
from tests.assessment.calls import JUDGED, act, add_worker, errors, see
from tests.assessment.test_domain_definitions import A
from tests.rig import Rig


async def keep(rig: Rig, path: str = "", body: Any = None, method: str = "POST", role: str = "operator") -> httpx.Response:
    return await rig.send(method, "assessment", f"/instruments{path}", json=body, role=role)


async def ask(rig: Rig, case_id: Any, instrument: str, answers: dict[str, int], person: Any = MOTHER) -> httpx.Response:
    return await act(rig, case_id, "answers", {"person_id": str(person), "instrument": instrument, "answers": answers}, method="PUT")


async def started(rig: Rig, **settings: Any) -> None:
    await rig.start("assessment", **settings)
    assert (await add_worker(rig)).status_code == 200


async def assigned(rig: Rig) -> UUID:
    case_id = uuid4()
    await rig.say(triaged(MOTHER, CHILD), subject=case_id)
    await rig.settle()
    return case_id


async def test_who_began_with_a_version_finishes_on_it(rig: Rig) -> None:
    await started(rig)
    first, second = await assigned(rig), await assigned(rig)
    assert errors(await ask(rig, first, "trial", {"one": 1})) == {"instrument": "unknown_code"}
    assert (await keep(rig, body=A)).status_code == 201
    assert errors(await ask(rig, first, "trial", {"one": 1})) == {"instrument": "unknown_code"}, "a draft is not used"
    assert (await keep(rig, "/trial/1/publish")).json()["stage"] == "published"
    assert (await ask(rig, first, "trial", {"one": 1})).json()["version"] == 1

    milder = A | {"version": 2, "ranges": [{"scale": "total", "low": 0, "high": 2, "band": "minimal", "label": "any"}], "criteria": []}
    assert errors(await keep(rig, body=A | {"title": "Changed"})) == {"version": "already_published"}
    assert (await keep(rig, body=milder)).status_code == 201
    assert (await keep(rig, "/trial/2/publish")).status_code == 200
    begun = (await ask(rig, first, "trial", {"two": 0, "three": 1})).json()
    assert (begun["version"], begun["total"], begun["band"]) == (1, 2, "severe")
    new = (await ask(rig, second, "trial", {"one": 1, "two": 0, "three": 1})).json()
    assert (new["version"], new["total"], new["band"]) == (2, 2, "minimal")

    assert (await keep(rig, "/trial/2/withdraw")).status_code == 200
    assert (await ask(rig, second, "trial", {"three": 0})).json()["version"] == 2, "withdrawn for new ones only"
    third = await assigned(rig)
    assert (await ask(rig, third, "trial", {"one": 0})).json()["version"] == 1, "rolled back"
    done = await act(rig, first, "complete", JUDGED)
    assert done.json()["state"] == "assessed"
    assert (await see(rig, first)).json()["band"] == "severe"


async def test_several_instruments_for_several_persons(rig: Rig) -> None:
    await started(rig)
    case_id = await assigned(rig)
    cats = {f"cats36_{n}": 1 for n in range(1, 17)}
    assert errors(await ask(rig, case_id, "cats_7_17_self", {"cats_1": 1}, CHILD)) == {"person_id": "too_young_for_instrument"}
    assert (await ask(rig, case_id, "cats_3_6_carer", cats, CHILD)).json()["band"] == "severe"
    assert errors(await ask(rig, case_id, "pcptsd5", {"pcptsd5_guilt": 1})) == {"answers.pcptsd5_guilt": "not_asked"}
    given = (await ask(rig, case_id, "pcptsd5", {"pcptsd5_exposed": 0})).json()
    assert [item["code"] for item in given["items"] if item["asked"]] == ["pcptsd5_exposed"]
    listed = (await see(rig, case_id, "/answers")).json()
    assert {(entry["person_id"], entry["instrument"], entry["band"]) for entry in listed} == {
        (str(CHILD), "cats_3_6_carer", "severe"),
        (str(MOTHER), "pcptsd5", "minimal"),
    }
    await act(rig, case_id, "complete", JUDGED)
    shown = (await see(rig, case_id)).json()
    assert (shown["band"], sorted(shown["flags"])) == ("severe", ["child_at_risk", "severe_distress"])


async def test_without_a_loaded_wording_an_instrument_is_for_training_only(rig: Rig) -> None:
    await started(rig, training=False)
    case_id = await assigned(rig)
    assert errors(await ask(rig, case_id, "gad7", {"gad7_1": 1})) == {"instrument": "for_training_only"}
    assert (await ask(rig, case_id, "triage_screen", {"triage_weapon": 1})).status_code == 200, "what we worded ourselves may be used"
    gad7 = next(definition for definition in definitions.shipped() if definition.code == "gad7")
    texts = {item.code: f"wording of {item.code}" for item in gad7.items}
    body = {"texts": texts, "source": "invented for a test"}
    assert (await keep(rig, "/gad7/1/wording/id", body, "PUT", role="peksos")).status_code == 403
    lacking = {"texts": {"gad7_1": "only one", "gad7_9": "too many"}, "source": "invented for a test"}
    assert errors(await keep(rig, "/gad7/1/wording/id", lacking, "PUT")) == {f"texts.gad7_{n}": "missing" for n in range(2, 8)} | {
        "texts.gad7_9": "unknown_item"
    }
    assert (await keep(rig, "/gad7/1/wording/id", body, "PUT")).json()["languages"] == ["id"]
    answered = (await ask(rig, case_id, "gad7", {"gad7_1": 1})).json()
    assert (answered["training_only"], answered["items"][0]["text"]) == (False, {"id": "wording of gad7_1"})
    assert (await keep(rig, "/triage_screen/1/wording/id", body, "PUT")).status_code == 409


async def test_who_began_before_a_wording_was_asked_for_finishes(rig: Rig) -> None:
    await started(rig)
    case_id = await assigned(rig)
    assert (await ask(rig, case_id, "phq9", {f"phq9_{n}": 1 for n in range(1, 9)})).status_code == 200
    rig.services["assessment"].settings.training = False
    assert (await ask(rig, case_id, "phq9", {"phq9_9": 1})).json()["total"] == 9, "answers that are given are not lost to a setting"
    assert (await see(rig, case_id, f"/answers/{MOTHER}")).json()["total"] == 9
    assert errors(await ask(rig, case_id, "gad7", {"gad7_1": 1})) == {"instrument": "for_training_only"}
    assert (await act(rig, case_id, "complete", JUDGED)).json()["state"] == "assessed"


async def test_what_does_not_hold_together_is_refused_with_its_place(rig: Rig) -> None:
    await started(rig)
    assert errors(await keep(rig, body=A | {"alerts": [{"item": "four", "at_least": 1, "flag": "self_harm"}]})) == {"alerts.0.item": "unknown_item"}
    assert (await keep(rig, "/nothing/1/publish")).status_code == 404
    known = (await rig.get("assessment", "/instruments", role="peksos")).json()
    assert {entry["code"] for entry in known} == {definition.code for definition in definitions.shipped()}
    assert (await rig.get("assessment", "/instruments/phq9/1", role="peksos")).json()["items"][8]["code"] == "phq9_9"


async def test_an_operator_loads_a_wording_from_a_file_and_a_wrong_one_changes_nothing(rig: Rig, tmp_path: Path) -> None:
    await started(rig, training=False)
    case_id = await assigned(rig)
    file, url = tmp_path / "wording.txt", rig.services["assessment"].settings.database_url.get_secret_value()
    head = "# invented\ninstrument: hark\nversion: 1\nlanguage: id\nsource: invented for a test\n"
    items = ["hark_humiliation", "hark_afraid", "hark_rape", "hark_kick"]
    for content, complaint in (
        (head, "hark_kick: no text"),
        (head + "".join(f"{item}: teks\n" for item in [*items, "hark_other"]), "hark_other: no such item"),
        (head.replace("hark", "nothing"), "no instrument nothing"),
        (head.replace("version: 1\n", ""), "does not say: version"),
        (head.replace("language: id", "language: xx"), "one of id, en"),
        (head + "no colon\n", "line 6"),
    ):
        file.write_text(content)
        with pytest.raises(wordings.WordingError, match=complaint):
            await wordings.load(url, wordings.read(file))
    assert errors(await ask(rig, case_id, "hark", {"hark_kick": 1})) == {"instrument": "for_training_only"}
    file.write_text(head + "".join(f"{item}: teks {item}\n" for item in items))
    await wordings.load(url, wordings.read(file))
    shown = (await ask(rig, case_id, "hark", {"hark_kick": 1})).json()["items"][3]
    assert shown["text"] == {"id": "teks hark_kick"}
