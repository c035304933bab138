"""A world of its own for each test."""

import pytest
from fakes import World


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path / "state.db")
    yield world
    world.close()
