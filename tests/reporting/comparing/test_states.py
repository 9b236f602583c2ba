"""States are read from folders and from git, and nothing is written."""

import json
import subprocess
from pathlib import Path

import pytest
from tests.reporting.comparing.conftest import claim, statements, write_pages, write_state

from vreid.params.errors import UserError
from vreid.reporting.comparing.states import read_state

REFERENCE = "reports/reference/demo"
SAID = statements(claim("gain", "reproduced", ("1.5", "0.5", "2.5")))


def git(folder, *arguments):
    command = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def commit(folder):
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--message", "state")


@pytest.fixture
def repository(tmp_path, before, after):
    """The first commit holds `before`, as pages; the second `after`, as single reports."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet")
    write_pages(folder / REFERENCE, [before], [SAID])
    commit(folder)
    for file in (folder / REFERENCE).iterdir():
        file.unlink()
    write_state(folder / REFERENCE, [after], [SAID])
    commit(folder)
    return folder


def contents(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_folder_of_single_reports(tmp_path, before):
    found = read_state("reports", write_state(tmp_path / "reports", [before], [SAID]).parent)
    assert found.tables == {"se_densenet/table1": before}
    assert found.statements == {"se_densenet": SAID}


def test_a_folder_of_pages_holds_the_same(tmp_path, before):
    assert read_state(str(write_pages(tmp_path / "ref", [before], [SAID]))).tables == {
        "se_densenet/table1": before
    }


def test_single_reports_go_before_pages(tmp_path, before, after):
    write_pages(tmp_path / "reports", [before], [])
    write_state(tmp_path / "reports", [after])
    assert read_state("reports", tmp_path).tables == {"se_densenet/table1": after}


@pytest.mark.parametrize("text", ["HEAD~1", f"HEAD~1:{REFERENCE}", f"HEAD~1:{REFERENCE}/"])
def test_a_revision_without_a_checkout(repository, before, text):
    there = contents(repository)
    found = read_state(text, repository)
    assert found.name == f"HEAD~1:{REFERENCE}"
    assert (found.tables, found.statements) == ({"se_densenet/table1": before}, {"se_densenet": SAID})
    assert contents(repository) == there


def test_a_revision_is_read_from_a_folder_below(repository, after):
    below = repository / "reports"
    assert read_state("HEAD", below).tables == {"se_densenet/table1": after}


def test_several_folders_of_reports_have_to_be_told_apart(repository, before):
    write_pages(repository / "reports/reference/bench", [before], [])
    commit(repository)
    with pytest.raises(
        UserError, match="say which: HEAD:reports/reference/bench, HEAD:reports/reference/demo"
    ):
        read_state("HEAD", repository)
    assert read_state("HEAD:reports/reference/bench", repository).statements == {}


@pytest.mark.parametrize(
    "text",
    [
        "--output=x",
        "--upload-pack=touch x",
        "-x",
        "HEAD --output=x",
        "HEAD;touch x",
        "$(touch x)",
        "HEAD^{tree}",
        "no-such-branch",
        "",
        ":reports",
        "HEAD\0",
    ],
)
def test_what_is_no_revision_is_refused_and_runs_nothing(repository, text):
    there = contents(repository)
    with pytest.raises(UserError, match="neither a folder nor a revision of git"):
        read_state(text, repository)
    assert contents(repository) == there


@pytest.mark.parametrize("folder", ["reports/nothing", "../outside", "--output=x", "reports/reference/dem"])
def test_a_folder_that_a_revision_has_not_names_those_that_it_has(repository, folder):
    with pytest.raises(UserError, match=f"has no folder {folder} with reports; it has them in {REFERENCE}"):
        read_state(f"HEAD:{folder}", repository)


def test_links_in_a_revision_are_not_followed(repository, tmp_path, before):
    write_state(tmp_path / "outside", [before])
    link = repository / "linked/all_tables.json"
    link.parent.mkdir()
    link.symlink_to(tmp_path / "outside/tables/se_densenet/table1.json")
    commit(repository)
    with pytest.raises(UserError, match="has no folder linked"):
        read_state("HEAD:linked", repository)


def test_a_repository_without_reports_says_so(tmp_path):
    git(tmp_path, "init", "--quiet")
    (tmp_path / "file.json").write_text("{}")
    commit(tmp_path)
    with pytest.raises(UserError, match="HEAD holds no committed reports"):
        read_state("HEAD", tmp_path)


def test_outside_of_a_repository_a_revision_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(UserError, match="neither a folder nor a revision of git"):
        read_state("HEAD", tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", json.dumps({"paper": "dpa"}), "\xff"])
def test_a_damaged_report_is_named(tmp_path, content):
    path = tmp_path / "reports/tables/dpa/table1.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(UserError, match=r"reports: tables/dpa/table1.json is no report of vreid \("):
        read_state("reports", tmp_path)


def test_a_folder_without_reports(tmp_path):
    with pytest.raises(UserError, match="holds no reports"):
        read_state(str(tmp_path), Path())
