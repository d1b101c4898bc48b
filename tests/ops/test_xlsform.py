"""An agency's form becomes the draft of an instrument; what no instrument has is named, and what cannot be is refused with its place."""

from pathlib import Path

import openpyxl
import pytest
from assessment import definitions
from assessment.domain.instruments import asked, score

from ops import xlsform

SURVEY = [
    ("type", "name", "label::Indonesia (id)", "label::English (en)", "relevant", "constraint"),
    ("note", "hello", "Halo", "Hello", "", ""),
    ("select_one yes_no", "Hurt", "Apakah ada luka?", "Is there an injury?", "", ""),
    ("begin_group", "more", "Lebih lanjut", "More", "${Hurt} = '1'", ""),
    ("select_one often", "how_often", "Seberapa sering?", "How often?", "", ""),
    ("integer", "pain", "Rasa sakit", "Pain", "selected(${how_often}, 'often')", ". >= 0 and . <= 10"),
    ("end_group", "", "", "", "", ""),
    ("text", "story", "Cerita", "Story", "", ""),
    ("integer", "age", "Umur", "Age", "", ""),
]
CHOICES = [
    ("list_name", "name", "label::Indonesia (id)", "label::English (en)"),
    ("yes_no", "1", "Ya", "Yes"),
    ("yes_no", "0", "Tidak", "No"),
    ("often", "never", "Tidak pernah", "Never"),
    ("often", "often", "Sering", "Often"),
]


def a_form(folder: Path, survey: list[tuple[str, ...]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in (("survey", survey), ("choices", CHOICES), ("settings", [("form_title",), ("Formulir contoh",)])):
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(folder / "form.xlsx")
    return folder / "form.xlsx"


def test_a_form_becomes_a_draft_that_holds_together_and_scores(tmp_path: Path) -> None:
    found = xlsform.imported(a_form(tmp_path, SURVEY), "agency_form")
    assert found.left_out == (("story", "text"), ("age", "integer"))
    definition = definitions.read(found.definition)
    assert (definition.title, definition.own_wording) == ("Formulir contoh", True)
    hurt, often, pain = definition.items
    assert (hurt.code, hurt.values, hurt.label.en, [label.id for label in hurt.choices]) == ("hurt", (0, 1), "Is there an injury?", ["Tidak", "Ya"])
    assert (often.values, [label.en for label in often.choices], pain.values) == ((0, 1), ["Never", "Often"], tuple(range(11)))
    instrument = definition.instrument()
    assert [item.code for item in asked(instrument, {"hurt": 0})] == ["hurt"]
    assert [item.code for item in asked(instrument, {"hurt": 1, "how_often": 0})] == ["hurt", "how_often"]
    assert score(instrument, {"hurt": 1, "how_often": 1, "pain": 7}).total == 9


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ((3, 4, "count-selected(${Hurt}) > 1"), "how_often: relevant"),
        ((3, 4, "${pain} = 3"), "how_often: relevant"),
        ((3, 4, "${Hurt} = '7'"), "how_often: relevant"),
        ((5, 1, "HURT"), "Hurt"),
        ((2, 0, "select_one nowhere"), "nowhere"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(tmp_path: Path, change: tuple[int, int, str], complaint: str) -> None:
    row, column, value = change
    survey = [list(entry) for entry in SURVEY]
    survey[row][column] = value
    with pytest.raises(xlsform.FormError, match=complaint):
        xlsform.imported(a_form(tmp_path, [tuple(entry) for entry in survey]), "agency_form")


def test_a_form_without_answers_to_choose_from_is_none(tmp_path: Path) -> None:
    with pytest.raises(xlsform.FormError, match="no question"):
        xlsform.imported(a_form(tmp_path, [SURVEY[0], SURVEY[7]]), "agency_form")
