"""A site for each test, which takes every process that was started on it along when it goes."""

import pytest
from harness import Site


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path)
    yield site
    site.close()
