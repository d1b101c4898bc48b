"""Which codes are of somebody who takes part, with and without a register that somebody keeps."""

from intake.domain.agencies import Agency, named, united


def test_a_register_that_nobody_keeps_refuses_nobody() -> None:
    register = united([], {"dppapp": {"upt-pppa"}})
    assert register.knows("whoever")
    assert register.has_unit("dppapp", "whatever")


def test_a_register_that_is_kept_knows_its_own_and_whom_the_settings_name_and_nobody_else() -> None:
    register = united([Agency("rs-tarakan", frozenset(), active=True), Agency("lsm-lama", frozenset(), active=False)], {"dppapp": {"upt-pppa"}})
    assert [register.knows(code) for code in ("rs-tarakan", "dppapp", "lsm-lama", "rs-tarakn")] == [True, True, False, False]
    assert register.knows("lsm-lama", ended_too=True)
    assert not register.knows("rs-tarakn", ended_too=True)


def test_who_leads_by_the_settings_takes_part_although_its_entry_says_no_and_has_their_units_too() -> None:
    entry = Agency("dinsos", frozenset({"panti"}), active=False)
    register = united([entry], named([("dinsos", "sudinsos-pusat")], ["dinsos", None]))
    assert register.knows("dinsos")
    assert [register.has_unit("dinsos", unit) for unit in ("panti", "sudinsos-pusat", "upt-pppa")] == [True, True, False]


def test_an_agency_whose_units_nobody_listed_may_have_any() -> None:
    assert united([Agency("lsm", frozenset(), active=True)], {}).has_unit("lsm", "divisi-anak")
