"""A row of a table says what a referral says, and what is wrong with it is told by column."""

from intake.domain import table


def test_a_row_is_read_as_a_referral_without_its_empty_cells():
    cells = dict.fromkeys(table.COLUMNS, "")
    cells |= {
        "reference": "B-1",
        "urgency": "high",
        "callback": " 0812 ",
        "violence_types": "fisik | seksual|",
        "shelter_needed": "Ya",
        "red_flags": "weapon",
    }
    cells |= {"name_1": "Sekar", "age_1": "36", "role_3": "child", "needs_3": "infant|care", "narrative": "'=2+2", "phone_1": "+62 812"}
    body, numbers = table.body_of(cells)
    assert numbers == [1, 3]
    assert body == {
        "reference": "B-1",
        "urgency": "high",
        "callback": "0812",
        "violence_types": ["fisik", "seksual"],
        "narrative": "=2+2",
        "screen": {"shelter_needed": True, "red_flags": ["weapon"]},
        "persons": [{"name": "Sekar", "age": "36", "phone": "+62 812"}, {"role": "child", "needs": ["infant", "care"]}],
    }


def test_a_problem_belongs_to_the_column_whose_cell_it_was():
    found = {path: table.column_of(path, [1, 3]) for path in ("area", "violence_types.1", "screen.red_flags.0", "persons.1.age", "persons.1.needs.0")}
    assert list(found.values()) == ["area", "violence_types", "red_flags", "age_3", "needs_3"]
    assert [table.column_of(path, []) for path in ("persons", "screen", "row", "persons.0.sex")] == ["role_1", "screen", "row", "sex_1"]


def test_the_first_row_names_the_columns_and_one_that_is_not_known_is_not_repeated():
    assert table.wrong_columns(table.COLUMNS) == []
    header = ["reference", "urgency", "age_1", "age_1", "Ibu Sekar"]
    assert table.wrong_columns(header) == [("callback", "missing"), ("age_1", "column_twice"), ("column 5", "not_known")]
