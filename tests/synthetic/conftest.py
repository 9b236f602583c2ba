import pytest
from tests.synthetic.small import small_spec


@pytest.fixture
def spec():
    """Return a function that makes a small RenderSpec with the given changes."""
    return small_spec
