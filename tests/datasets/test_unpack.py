import io
import stat
import tarfile
import zipfile

import pytest

from vreid.datasets import unpack
from vreid.datasets.unpack import unpack_into
from vreid.params.errors import UserError

FILES = {"VeRi/name_train.txt": b"a.jpg\n", "VeRi/image_train/a.jpg": b"\xff\xd8" * 500}


def zipped(path, files, **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tarred(path, files, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            member = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name)
            member.size = len(content) if isinstance(content, bytes) else 0
            archive.addfile(member, io.BytesIO(content) if isinstance(content, bytes) else None)
    return path


def link(name, target, kind):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def unpacked(archive, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    unpack_into(archive, folder)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_zip_and_tar_whatever_they_are_called(tmp_path):
    for number, archive in enumerate(
        [
            zipped(tmp_path / "a.data", FILES, compression=zipfile.ZIP_DEFLATED),
            tarred(tmp_path / "b.data", FILES, "w"),
            tarred(tmp_path / "c.tgz", FILES),
            tarred(tmp_path / "d.tar.xz", FILES, "w:xz"),
        ]
    ):
        place = tmp_path / str(number)
        place.mkdir()
        assert unpacked(archive, place) == FILES


@pytest.mark.parametrize(
    "name", ["../evil.txt", "a/../../evil.txt", "/evil.txt", "..\\evil.txt", "C:\\evil.txt"]
)
@pytest.mark.parametrize("make", [zipped, tarred])
def test_an_archive_that_climbs_out_of_its_folder_is_refused(tmp_path, make, name):
    archive = make(tmp_path / "a", {name: b"evil"})
    with pytest.raises(UserError, match="leads out of its folder; it is not unpacked"):
        unpacked(archive, tmp_path)
    assert not list(tmp_path.rglob("*evil*"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path, kind):
    archive = tarred(tmp_path / "a", {"door": link("door", "/etc", kind), "door/passwd": b"x"})
    with pytest.raises(UserError, match="'door', which is a link or a device"):
        unpacked(archive, tmp_path)


def test_links_in_a_zip_are_refused(tmp_path):
    door = zipfile.ZipInfo("door")
    door.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a", "w") as archive:
        archive.writestr(door, "/etc")
    with pytest.raises(UserError, match="'door', which is a link or a device"):
        unpacked(tmp_path / "a", tmp_path)


@pytest.mark.parametrize("make", [zipped, tarred])
def test_a_bomb_is_refused_before_it_grows(tmp_path, make, monkeypatch):
    monkeypatch.setattr(unpack, "SMALL", 1000)
    options = {"compression": zipfile.ZIP_DEFLATED} if make is zipped else {}
    archive = make(tmp_path / "a", {"zeros": bytes(2_000_000)}, **options)
    with pytest.raises(UserError, match="would grow to more than 200 times its size"):
        unpacked(archive, tmp_path)
    assert not (tmp_path / "out" / "zeros").exists()


@pytest.mark.parametrize("make", [zipped, tarred])
def test_a_disk_that_is_too_small_is_noticed(tmp_path, make, monkeypatch):
    archive = make(tmp_path / "a", FILES)
    monkeypatch.setattr(unpack.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 100}))
    with pytest.raises(UserError, match=r"needs 0.0 GB to be unpacked"):
        unpacked(archive, tmp_path)


def test_damaged_and_unknown_archives(tmp_path):
    whole = zipped(tmp_path / "a", {"x": b"1234567890" * 100}).read_bytes()
    (tmp_path / "a").write_bytes(whole.replace(b"1234567890", b"1234567891", 1))
    with pytest.raises(UserError, match="a is damaged: Bad CRC"):
        unpacked(tmp_path / "a", tmp_path)
    noise = bytes(n * n // 7 % 251 for n in range(40_000))
    cut = tarred(tmp_path / "c", {"x": noise}).read_bytes()
    (tmp_path / "b").write_bytes(cut[: len(cut) // 2])
    with pytest.raises(UserError, match="b is damaged"):
        unpack_into(tmp_path / "b", tmp_path / "out")
    (tmp_path / "d").write_bytes(b"7z\xbc\xaf\x27\x1c" * 20)
    with pytest.raises(UserError, match="d is neither zip nor tar; unpack it with a program that knows it"):
        unpack_into(tmp_path / "d", tmp_path / "out")


def test_a_file_where_a_folder_is_needed_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match="cannot be unpacked into"):
        unpacked(zipped(tmp_path / "a", {"x": b"1", "x/y": b"2"}), tmp_path)
