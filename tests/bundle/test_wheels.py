import platform
import subprocess
import sys
import zipfile

import pytest
from packaging.tags import sys_tags
from packaging.utils import parse_wheel_filename

from vreid.bundle.wheels import fits, missing, use_wheels
from vreid.params.errors import UserError

MACHINE = platform.machine()
HERE = f"cp3{sys.version_info[1]}"
SUPPORTED = set(sys_tags())
NAMES = [
    "one-1.0-py3-none-any.whl",
    "one-1.0-py2.py3-none-any.whl",
    "one-1.0-py2-none-any.whl",
    "one-1.0-cp38-abi3-manylinux_2_17_{machine}.manylinux2014_{machine}.whl",
    "one-1.0-cp399-abi3-manylinux2014_{machine}.whl",
    "one-1.0-{here}-{here}-manylinux2014_{machine}.whl",
    "one-1.0-1-{here}-{here}-manylinux_2_17_{machine}.whl",
    "one-1.0-{here}-none-manylinux_2_17_{machine}.whl",
    "one-1.0-{here}-{here}-manylinux_2_999_{machine}.whl",
    "one-1.0-{here}-{here}-manylinux_2_17_riscv64.whl",
    "one-1.0-{here}-{here}-musllinux_1_2_{machine}.whl",
    "one-1.0-cp310-cp310-manylinux2014_{machine}.whl",
    "one-1.0-{here}-{here}t-manylinux2014_{machine}.whl",
    "one-1.0-{here}-{here}-win_amd64.whl",
    "one-1.0-{here}-{here}-macosx_11_0_arm64.whl",
]


@pytest.mark.parametrize("name", NAMES)
def test_it_takes_the_wheels_that_pip_would(name):
    name = name.format(machine=MACHINE, here=HERE)
    assert fits(name) is bool(parse_wheel_filename(name)[3] & SUPPORTED)


def test_it_can_ask_for_another_python():
    assert fits(f"one-1.0-cp312-cp312-manylinux2014_{MACHINE}.whl", (3, 12))
    assert not fits(f"one-1.0-cp312-cp312-manylinux2014_{MACHINE}.whl", (3, 13))


def wheel(folder, name, files):
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / name, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)


def test_modules_of_wheels_can_be_imported_from_all_places_of_a_wheel(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    wheel(tmp_path / "wheels", "aa-1-py3-none-any.whl", {"aa/__init__.py": "VALUE = 3"})
    wheel(tmp_path / "wheels", "bb-1-py3-none-any.whl", {"bb-1.data/purelib/bb_of_wheel.py": "VALUE = 4"})
    wheel(tmp_path / "wheels", "cc-1-cp27-cp27m-win32.whl", {"cc.py": ""})
    added = use_wheels(tmp_path / "wheels", tmp_path / "place")
    assert [path.name for path in added] == ["aa-1-py3-none-any", "bb-1-py3-none-any"]
    assert sys.path[:2] == [str(path) for path in added]
    assert use_wheels(tmp_path / "wheels", tmp_path / "place") == added
    code = "import aa, bb_of_wheel; print(aa.VALUE + bb_of_wheel.VALUE)"
    env = {"PYTHONPATH": ":".join(map(str, added))}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "7\n"


def test_a_wheel_that_climbs_out_is_refused_and_leaves_nothing(tmp_path):
    wheel(tmp_path / "wheels", "aa-1-py3-none-any.whl", {"aa.py": "", "../../climbed.py": ""})
    with pytest.raises(UserError, match="leads out of its folder"):
        use_wheels(tmp_path / "wheels", tmp_path / "place")
    assert list((tmp_path / "place").iterdir()) == []
    assert list(tmp_path.rglob("climbed.py")) == []


def test_missing_libraries_are_named():
    assert missing({"numpy": ["numpy"], "no-such": ["no_such_module"]}) == ["no-such"]
