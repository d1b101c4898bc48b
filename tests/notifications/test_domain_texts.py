"""The texts that leave the platform: what a template may name and say, and how long they are as SMS."""

import json

import pytest
from notifications.channels.sms import Size, size_of
from notifications.channels.templates import DEFAULT, INPUTS, load


def a_file(tmp_path, text, audience="survivor", channel="sms"):
    file = tmp_path / "templates.json"
    template = {"audience": audience, "id": {channel: text}, "en": {channel: text}}
    file.write_text(json.dumps({"version": 1, "source": "test", "templates": {"ours": template}}))
    return file


def test_the_shipped_templates_hold_and_have_no_inputs_for_survivors() -> None:
    shipped = load(DEFAULT)
    assert shipped.of("survivor") == ["call_back", "info"]
    assert INPUTS["survivor"] == frozenset()
    assert shipped.text("info", "id", "sms") == "Ada info untuk Anda."
    assert shipped.text("info", "en", "email") == "There is some news for you."
    assert shipped.text("inbox", "id", "email", count=3, link="https://naungan.test") is not None
    assert shipped.text("inbox", "id", "sms") is None


@pytest.mark.parametrize(
    ("text", "audience", "named"),
    [
        ("Halo {name}", "survivor", r"ours names \{name\}"),
        ("{count} info", "survivor", r"\{count\}"),
        ("{0}", "survivor", r"ours names \{0\}"),
        ("{count.__class__}", "officer", r"count.__class__"),
        ("{count!r}", "officer", r"count"),
        ("{case_id}", "officer", r"case_id.*count, link"),
        ("Ada info dari Naungan", "survivor", "'Naungan'"),
        ("Kasus Anda", "survivor", "'Kasus'"),
        ("Lihat https://contoh.test", "survivor", "https:"),
        ("Lihat contoh.go.id", "survivor", "preview"),
        ("a" * 140, "survivor", "one SMS"),
        ("Ada info untuk Anda 🌸 " + "a" * 40, "survivor", "one SMS"),
    ],
)
def test_a_template_that_says_or_names_too_much_is_refused_when_it_is_read(tmp_path, text, audience, named) -> None:
    with pytest.raises(ValueError, match=named):
        load(a_file(tmp_path, text, audience))


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("a" * 160, Size("gsm7", 160, 1)),
        ("a" * 161, Size("gsm7", 161, 2)),
        ("a" * 306, Size("gsm7", 306, 2)),
        ("a" * 307, Size("gsm7", 307, 3)),
        ("€" * 80, Size("gsm7", 160, 1)),
        ("€" * 81, Size("gsm7", 162, 2)),
        ("a" * 152 + "€" + "a" * 151, Size("gsm7", 305, 2)),
        ("a" * 152 + "€" + "a" * 152, Size("gsm7", 306, 3)),  # the escape is not parted from what it escapes
        ("ĉ" + "a" * 69, Size("ucs2", 70, 1)),
        ("ĉ" + "a" * 70, Size("ucs2", 71, 2)),
        ("🌸" * 35, Size("ucs2", 70, 1)),
        ("🌸" * 67, Size("ucs2", 134, 3)),  # nor are the halves of a pair
    ],
)
def test_the_length_of_an_sms(text, size) -> None:
    assert size_of(text) == size
