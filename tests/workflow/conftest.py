"""The finished pipeline that the tests of the workflow share."""

import pytest
from tests.workflow.project import Project, copy_project


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy in which the documented command has run, word by word, and then what else is made by default."""
    project = copy_project(tmp_path_factory.mktemp("project"))
    project.call(*["snakemake", "--cores", "8", "--resources", "gpu=2", "reports/all_tables.md"])
    project.call("snakemake", "--cores", "2")
    return project


@pytest.fixture
def restored(finished: Project):
    """The finished copy; whatever a test edits under version control is as before afterwards."""
    yield finished
    finished.call("git", "checkout", "--quiet", "--", ".")
