"""Archives that strangers made: names that no list can show, and headers that claim gigabytes.

What climbs out, links, devices, bombs and damage are in tests/datasets/test_unpack.py.
"""

import bz2
import gzip
import io
import lzma
import resource
import tarfile
import zipfile

import pytest

from vreid.datasets.unpack import unpack_into
from vreid.params.errors import UserError

COMPRESSORS = {"gz": gzip.open, "bz2": bz2.open, "xz": lzma.open}


def tarred(path, name):
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("x")
        member.pax_headers = {"path": name}
        archive.addfile(member, io.BytesIO())
    return path


def zipped(path, name):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, "")
    return path


@pytest.mark.parametrize(
    ("make", "name"),
    [(tarred, "a\0b"), (tarred, "a\nb"), (tarred, "\x1b[2J"), (zipped, "a\nb"), (zipped, "\x1b[2J")],
)
def test_a_name_with_control_characters_is_refused_and_shown_harmlessly(tmp_path, make, name):
    archive, folder = make(tmp_path / "a", name), tmp_path / "out"
    folder.mkdir()
    with pytest.raises(UserError, match="which has control characters; it is not unpacked") as raised:
        unpack_into(archive, folder)
    assert str(raised.value).isprintable()
    assert not list(folder.iterdir())


@pytest.mark.parametrize("name", ["image_train/车_0001.jpg", "image_train/\udcb3\udcb5_0001.jpg"])
def test_names_in_other_scripts_and_encodings_are_fine(tmp_path, name):
    unpack_into(tarred(tmp_path / "a", name), tmp_path)
    assert (tmp_path / name).is_file()


@pytest.mark.parametrize("compressor", COMPRESSORS)
@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_of_gigabytes_is_not_read(tmp_path, kind, compressor):
    header = tarfile.TarInfo("header")
    header.type, header.size = kind, 4 * 2**30
    with COMPRESSORS[compressor](tmp_path / "a", "wb") as archive:
        archive.write(header.tobuf(format=tarfile.GNU_FORMAT) + bytes(2**20))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UserError, match="holds a name of 4,294,967,296 bytes; it is not unpacked"):
        unpack_into(tmp_path / "a", tmp_path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 2**10  # KiB


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, b"?"])
def test_a_size_below_nothing_makes_no_endless_loop(tmp_path, kind):
    header = tarfile.TarInfo("header")
    header.type, header.size = kind, -tarfile.BLOCKSIZE
    (tmp_path / "a").write_bytes(header.tobuf(format=tarfile.GNU_FORMAT) + bytes(10 * tarfile.BLOCKSIZE))
    with pytest.raises(UserError, match=r"-\d+ bytes"):
        unpack_into(tmp_path / "a", tmp_path)


@pytest.mark.parametrize("compressor", COMPRESSORS)
@pytest.mark.parametrize("place", [0.02, 0.5, 0.9])
def test_a_compressed_tar_that_is_damaged_inside_is_a_sentence(tmp_path, compressor, place):
    noise = bytes(n * n // 7 % 251 for n in range(200_000))
    with (
        COMPRESSORS[compressor](tmp_path / "a", "wb") as stream,
        tarfile.open(fileobj=stream, mode="w") as archive,
    ):
        member = tarfile.TarInfo("x")
        member.size = len(noise)
        archive.addfile(member, io.BytesIO(noise))
    content = bytearray((tmp_path / "a").read_bytes())
    start = int(place * len(content))
    content[start : start + 64] = bytes(64)
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(UserError, match=r"a (is damaged|cannot be unpacked|is neither zip nor tar)"):
        unpack_into(tmp_path / "a", tmp_path)
