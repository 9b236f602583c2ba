import shutil
import subprocess

import pytest

from vreid.bundle.sums import as_text, check_sums, read_sums, stays_inside
from vreid.params.digest import file_digest
from vreid.params.errors import UserError


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a folder").mkdir()
    (tmp_path / "a folder/one").write_bytes(b"1")
    (tmp_path / "two").write_bytes(b"2" * 100_000)
    names = ["a folder/one", "two"]
    (tmp_path / "SHA256SUMS").write_text(as_text({name: file_digest(tmp_path / name) for name in names}))
    return tmp_path


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="sha256sum is not installed: coreutils has it")
def test_it_is_what_sha256sum_checks(folder):
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=folder, check=True)
    check_sums(folder)
    assert list(read_sums(folder)) == ["a folder/one", "two"]


def test_another_file_is_refused(folder):
    (folder / "two").write_bytes(b"2" * 99_999)
    with pytest.raises(UserError, match="two is not the file that was packed"):
        check_sums(folder)


def test_a_missing_file_and_a_link_are_refused(folder):
    (folder / "two").rename(folder / "three")
    with pytest.raises(UserError, match="two is missing"):
        check_sums(folder)
    (folder / "two").symlink_to("three")
    with pytest.raises(UserError, match="two is missing"):
        check_sums(folder)


@pytest.mark.parametrize("line", ["abc  two", "0" * 64 + "  ../two", "0" * 64 + "  /two", "0" * 64 + " two"])
def test_a_strange_line_is_named(folder, line):
    with (folder / "SHA256SUMS").open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(UserError, match="SHA256SUMS, line 3: "):
        check_sums(folder)


def test_a_folder_without_it_is_no_bundle(tmp_path):
    with pytest.raises(UserError, match="is no bundle"):
        check_sums(tmp_path)


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("a", True),
        ("a/b.c", True),
        ("a/../b", False),
        ("../b", False),
        ("/b", False),
        ("a//b", False),
        ("./a", False),
        (".", False),
        ("a\\b", False),
    ],
)
def test_paths_that_leave_the_folder(name, inside):
    assert stays_inside(name) is inside
