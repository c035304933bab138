import tomllib

import pytest

from cronjobs.config.positions import Positions, entries

# A text, a path, and what is written where its key and its value stand.
PLACES = [
    ("a = 1", ("a",), "a", "1"),
    ("[a]\nb = 'x'", ("a", "b"), "b", "x"),
    ('[a]\n  b="x"', ("a", "b"), "b", "x"),
    ("[ a . b ]\nc = 1", ("a", "b"), "b", "[ a . b ]"),
    ("[a.b]\nc = 1", ("a",), "a", "a"),
    ("[a.b]\nc = 1\n[a]\nd = 2", ("a",), "a", "[a]"),
    ("a.b.c = 12", ("a", "b", "c"), "c", "12"),
    ("a.b.c = 12", ("a", "b"), "b", "b"),
    ('\'a b\'."c\\"d" = 12', ("a b", 'c"d'), '"c\\"d"', "12"),
    ("a = {b = 1, c = {d = 'x'}}", ("a", "c", "d"), "d", "x"),
    ("a = {b = 1, c = {d = 'x'}}", ("a", "c"), "c", "{d = 'x'}"),
    ("a = [1, [2, 3], 'x'] # end", ("a", 1, 1), "", "3"),
    ("a = [1, [2, 3], 'x'] # end", ("a", 2), "", "x"),
    ("a = [\n  1, # one ]\n  2,\n]\nb = 3", ("b",), "b", "3"),
    ("a = '''\n[b]\nb = 1\n'''\nb = 2", ("b",), "b", "2"),
    ('a = """x\\"""" # "\nb = 2', ("b",), "b", "2"),
    ('a = """x"""""\nb = 2', ("b",), "b", "2"),
    ("a = ''''x'''\nb = 2", ("a",), "a", "'x"),
    ('a = ""\nb = 2', ("b",), "b", "2"),
    ('a = "# no comment" # a comment\nb = 2', ("b",), "b", "2"),
    ("[[a]]\nb = 1\n[[a]]\nb = 23", ("a", 1, "b"), "b", "23"),
    ("[[a]]\n[[a]]\n[a.c]\nb = 23", ("a", 1, "c", "b"), "b", "23"),
    ("a = 1979-05-27 07:32:00 # noon\nb = 2", ("a",), "a", "1979-05-27 07:32:00"),
    ("a = {\n  b = 1, # new in TOML 1.1\n  c = 2,\n}", ("a", "c"), "c", "2"),
    ("é = 'broken key'\nb = 'ü'", ("b",), "b", "ü"),
]


@pytest.mark.parametrize(("text", "path", "key", "value"), PLACES)
def test_a_key_and_its_value_are_found(text, path, key, value):
    positions = Positions(text)

    key_start, key_end = positions.span(path, at="key")
    start, end = positions.span(path)

    assert text[key_start:key_end] == key
    assert text[start:end] == value


@pytest.mark.parametrize(
    ("text", "path", "written"),
    [
        ("[a]\nb = 1", ("a", "c"), "[a]"),
        ("[a]\nb = {c = 1}", ("a", "b", "x", "y"), "{c = 1}"),
        ("a.b.c = 1", ("a", "b", "x"), "b"),
        ("[a]\nb = 1", ("z",), "["),
        ("", ("z",), ""),
    ],
)
def test_what_is_not_there_is_placed_at_what_is_around_it(text, path, written):
    start, end = Positions(text).span(path)

    assert text[start:end] == written


@pytest.mark.parametrize(
    ("text", "column", "written"),
    [
        ("a = '61 * * * *'", 1, "61"),
        ("a = '0 0 * * 1-9'", 11, "9"),
        ("a = '0 1,25 * * *'", 5, "25"),
        ("a = '0 99,1 * * *'", 3, "99"),
        ("a = '* *'", 4, "'"),
        # Behind an escape the columns of the string are not those of the file.
        (r'a = "\u0036\u0031 * * * 9"', 10, r"\u0036\u0031 * * * 9"),
        ("a = '''\n0 0\n9'''", 5, "0 0\n9"),
    ],
)
def test_a_term_of_a_string_is_found_by_its_column(text, column, written):
    start, end = Positions(text).span(("a",), column=column)

    assert text[start:end] == written


@pytest.mark.parametrize(
    ("text", "start", "end", "place"),
    [
        ("a = 1", 4, 5, (1, 5, 6)),
        ("a = 1\nb = 2", 6, 7, (2, 1, 2)),
        ("é = 1\n# ü\nb = 'ö'", 15, 16, (3, 6, 7)),
        ("a = '''x\ny'''", 7, 10, (1, 8, 9)),
        ("a = ''", 5, 5, (1, 6, 7)),
        ("", 0, 1, (1, 1, 2)),
    ],
)
def test_a_place_counts_code_points_from_one_and_ends_with_its_line(text, start, end, place):
    assert Positions(text).place(start, end) == place


@pytest.mark.parametrize(
    "text",
    [
        "[",
        "[[",
        "[a",
        "a",
        "a =",
        "a = [",
        "a = {",
        "a = {b",
        "a = {b=",
        "a = '",
        'a = "\\',
        "a = '''",
        '"',
        "=",
        "a = ]",
        "}",
        "\0",
        "a.",
        ".a = 1",
        "a = [,,,",
        "a = {,{",
    ],
)
def test_broken_text_is_read_to_its_end(text):
    for rest in ("", "\n[b]\nc = 1\n"):
        list(entries(text + rest))


def test_what_follows_a_broken_line_is_still_found():
    positions = Positions("a = = 1 [ ]\n[b]\nc = 1\n")

    assert positions.place(*positions.span(("b", "c"))) == (3, 5, 6)


@pytest.mark.parametrize("text", ["a = " + "[" * 100_000, "a = " + "{a=" * 100_000, "a." * 100_000])
def test_deep_nesting_is_found_and_left(text):
    assert any(entry.kind == "too deep" for entry in entries(text + "\nb = 1"))
    assert Positions(text + "\nb = 1").span(("b",), at="key") == (len(text) + 1, len(text) + 2)


def test_every_value_that_tomllib_finds_is_found():
    positions = Positions(_EVERYTHING)

    for path, value in _leaves(tomllib.loads(_EVERYTHING)):
        start, end = positions.span(path)
        written = _EVERYTHING[start:end]
        assert value in (written, _read(written)), path


_EVERYTHING = """
title = "TOML"
site."google.com".a = true
[owner]
name = 'Tom'
dob = 1979-05-27T07:32:00-08:00
[database]
ports = [ 8000, 8001, # a comment, with [ and "
  8002 ]
data = [ ["delta", "phi"], [3.14] ]
temp_targets = { cpu = 79.5, case = {deep.er = 72.0} }
[servers]
[servers.alpha]
ip = "10.0.0.1"
[[products]]
name = "Hammer"
[[products.sizes]]
cm = 1
[[products.sizes]]
cm = 2
[[products]]
name = "Nail"
[products.colour]
rgb = 0xff_00
"""


def _leaves(value, path=()):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))
    else:
        yield path, value


def _read(written):
    try:
        return tomllib.loads(f"value = {written}")["value"]
    except tomllib.TOMLDecodeError:
        return None
