"""A directory for each test."""

import pytest
from commands import Place


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)
