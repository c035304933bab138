import json
import re
from pathlib import Path

import pytest

from cronjobs.config.fields import CRONJOBS, JOB, OTHER_WORDS, TABLES, Type
from cronjobs.config.problems import CODES, Mistake, Source, located
from cronjobs.core.job import Job, Settings
from cronjobs.core.schedule import ScheduleError, parse_schedule

VECTORS = Path(__file__).parent.parent / "core" / "vectors" / "invalid.json"


def test_every_code_is_a_letter_and_three_digits_with_a_meaning_of_its_own():
    codes = [code.code for code in CODES.values()]

    assert all(re.fullmatch("[EW][0-9]{3}", code) for code in codes)
    assert len(set(codes)) == len(codes)
    assert all(code.doc.endswith(".") for code in CODES.values())


def test_every_word_of_a_schedules_error_has_a_code():
    words = set()
    for case in json.loads(VECTORS.read_text()):
        with pytest.raises(ScheduleError) as raised:
            parse_schedule(case["expr"])
        words.add(raised.value.code)
    for path in (Path(__file__).parents[2] / "cronjobs" / "core" / "schedule").glob("*.py"):
        words |= set(re.findall(r'code="([a-z]+)"', path.read_text()))

    assert words
    assert words <= set(CODES)


def test_a_mistake_of_another_part_of_the_package_gets_its_place_too():
    source = Source(
        "/jobs.toml", "[jobs.a]\ncallable = 'shop:f'\nargs = {x = 1}\n[jobs.b]\ncallable = 'shop:g'"
    )
    mistakes = [
        Mistake("attribute", ("jobs", "b", "callable"), "no g", column=6),
        Mistake("argument", ("jobs", "a", "args", "x"), "no x", at="key"),
        Mistake("module", ("jobs", "a", "callable"), "no shop", "look again", column=1),
        Mistake("no_jobs", (), "none"),
    ]

    assert [tuple(problem) for problem in located(source, mistakes)] == [
        ("W401", "warning", "/jobs.toml", 1, 1, 2, "none", ""),
        ("E301", "error", "/jobs.toml", 2, 13, 19, "no shop", "look again"),
        ("E305", "error", "/jobs.toml", 3, 9, 10, "no x", ""),
        ("E303", "error", "/jobs.toml", 5, 18, 19, "no g", ""),
    ]


def test_a_word_that_is_not_listed_is_one_of_a_schedule():
    (problem,) = located(Source("/jobs.toml", ""), [Mistake("brand_new", (), "what?")])

    assert problem.code == "E100"


def test_every_attribute_of_the_records_has_a_row_and_every_row_an_attribute():
    assert {field.attribute for field in JOB} | {"name"} == set(Job._fields)
    assert {field.attribute for field in CRONJOBS} == set(Settings._fields)


def test_the_rows_repeat_no_default_of_the_records():
    for record, fields in ((Job, JOB), (Settings, CRONJOBS)):
        for field in fields:
            if field.attribute in record._field_defaults:
                assert field.default == record._field_defaults[field.attribute]


def test_every_row_has_words_and_what_its_type_needs():
    for field in (*CRONJOBS, *JOB):
        assert field.doc.endswith(".")
        assert bool(field.choices) == (field.type is Type.CHOICE)
        assert (field.unit == "seconds") == (field.type is Type.DURATION)


def test_other_words_lead_to_keys_and_are_written_as_they_are_looked_up():
    keys = {key for fields in TABLES.values() for key in fields}

    assert set(OTHER_WORDS.values()) <= keys
    assert all(re.fullmatch("[a-z]+", word) for word in OTHER_WORDS)
    assert not set(OTHER_WORDS) & {key.replace("_", "") for key in keys}
