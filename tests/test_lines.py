"""What runs write, cut into lines."""

import pytest

from cronjobs.executors.output import LINE_BYTES, Lines


@pytest.mark.parametrize("character", ["é", "€", "😀"])
@pytest.mark.parametrize("offset", range(4))
def test_a_long_line_is_not_cut_within_a_character(character, offset):
    text = "x" * offset + character * LINE_BYTES
    lines = Lines()

    pieces = [*lines.feed(text.encode()), *lines.end()]

    assert "".join(pieces) == text
    assert len(pieces) > 1


@pytest.mark.parametrize("size", [1, 7, LINE_BYTES, 1 << 20])
def test_lines_do_not_depend_on_how_they_are_read(size):
    data = b"one\r\n\ntwo \xff\x00\nthree"
    lines = Lines()

    found = []
    for begin in range(0, len(data), size):
        found += lines.feed(data[begin : begin + size])

    assert [*found, *lines.end()] == ["one", "", "two \\xff\x00", "three"]
