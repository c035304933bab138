"""Where a state lives and how one more store is opened on it, for each kind of store there is."""

import pytest
from factories import NOON

from cronjobs.processes import own_identity
from cronjobs.store.sqlite import SqliteStore


@pytest.fixture
def path(tmp_path):
    """The path of a state file that does not exist yet."""
    return str(tmp_path / "state.db")


@pytest.fixture(params=[SqliteStore])
def open_store(request, path):
    """A function that opens one more store on the same state, as another dispatcher would."""
    opened = []

    def open_one():
        store = request.param.open(path)
        opened.append(store)
        store.attach(own_identity(), now=NOON)
        return store

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store):
    """A store on a new state."""
    return open_store()
