"""Two spellings of one name become one, and two names stay two."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake.linkage import names


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Siti Nurhaliza", "ST. NOERHALIZAH"),
        ("Achmad Djoko", "Ahmad Joko"),
        ("Sjahrir", "Syahrir"),
        ("Tjahjono", "Cahyono"),
        ("Khadijah", "Hadija"),
        ("Fitriah", "Vitria"),
        ("Rizqi", "Rizki"),
        ("Chandra", "Candra"),
        ("Christina", "Kristina"),
        ("Hj. Aminah, S.Pd", "Ny. Aminah"),
        ("Moh. Rizki bin Slamet", "Muhammad Rizki"),
        ("M. Yusuf", "Mochamad Yusuf"),
        ("Ma'ruf", "Maruf"),
        ("Nurul  Aini", "nurul-aini"),
        ("Lestari alias Tari", "Lestari Tari"),
    ],
)
def test_spellings_of_one_name_have_one_code(one, other):
    assert names.codes(names.words(one)) == names.codes(names.words(other))


@pytest.mark.parametrize(("one", "other"), [("Sari", "Sita"), ("Dewi", "Dwi Ayu"), ("Rahmat", "Rahman"), ("Andi", "Budi"), ("Wati", "Yati")])
def test_two_names_stay_two(one, other):
    assert names.codes(names.words(one)) != names.codes(names.words(other))


def test_muhammad_counts_when_nothing_else_is_left():
    assert names.words("Mohd.") == ("muhamad",)
    assert names.words("Muhammad Fajar") == ("fajar",)


def test_a_father_is_not_part_of_the_name():
    assert names.words("Kenanga binti Suparman") == ("kenanga",)


@given(st.text(max_size=200))
def test_any_text_is_a_name_of_at_most_four_words_of_letters(text):
    found = names.words(text)
    assert len(found) <= names.MOST_WORDS
    assert all(word.isascii() and word.isalpha() and word == word.lower() for word in found)
    assert all(len(code) <= names.LONGEST_CODE for code in names.codes(found))
    assert all(part for part in names.place(text))


@pytest.mark.parametrize("written", ["0813-0000-7777", "+62 813 0000 7777", "62 81300007777", "(0813) 00007777"])
def test_one_number_however_it_is_written(written):
    assert names.digits(written) == "300007777"


def test_too_few_digits_are_no_number():
    assert names.digits("129") is None


@pytest.mark.parametrize("other", ["Jalan Melati no 003 RT 3 RW 5", "JLN. MELATI NO.3, RT03/05", "melati 3 rt 03 rw 05"])
def test_one_address_however_it_is_written(other):
    assert names.place("Jl. Melati No. 3 RT 03/RW 05") == names.place(other)
