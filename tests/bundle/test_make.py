import json
import shutil
import subprocess
import tarfile

import pytest
from tests.bundle.conftest import PROJECT, RUNS

from vreid.bundle.contents import Bundle
from vreid.bundle.make import Wanted, chosen_runs, make_bundle
from vreid.bundle.sums import check_sums, read_sums
from vreid.params.errors import UserError
from vreid.params.fingerprint import code_digest

LOCK = PROJECT / "requirements.lock"


def test_it_holds_code_weights_and_the_part_of_the_plan(demo, packed):
    check_sums(packed)
    bundle = Bundle.read(packed)
    assert {name for run in bundle.runs.values() for name in run.same} >= set(RUNS)
    assert all(bundle.runs[name] == demo.runs[name] for name in bundle.runs)
    assert set(bundle.datasets) == {"veri776", "vehicleid"}
    files = {path.relative_to(packed).as_posix() for path in packed.rglob("*") if path.is_file()}
    assert files == {*read_sums(packed), "SHA256SUMS"}
    pretrained = sorted(path.name for path in (packed / "vreid/models/pretrained").iterdir())
    assert pretrained == ["densenet121-w0.5-d0.33.json", "densenet121-w0.5-d0.33.safetensors"]
    assert (packed / "vreid/commit.txt").read_text() == f"{bundle.commit or ''}\n"


def test_the_code_has_the_digest_that_the_runs_are_named_by(packed):
    roots = [
        "vreid.training.engine",
        "vreid.training.extract",
        "vreid.models.se_densenet",
        "vreid.losses.focal",
    ]
    program = f"from vreid.params.fingerprint import code_digest; print(code_digest({roots!r}))"
    done = subprocess.run(
        [shutil.which("python") or "python3", "-c", program],
        env={"PYTHONPATH": str(packed)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == code_digest(roots)


def test_an_archive_has_the_same_bytes_each_time_and_unpacks_to_the_folder(demo, packed, tmp_path):
    for name in ("one.tar", "other/one.tar"):
        make_bundle(demo, Wanted(runs=RUNS), tmp_path / name, lock=LOCK)
    archive = tmp_path / "one.tar"
    assert archive.read_bytes() == (tmp_path / "other/one.tar").read_bytes()
    with tarfile.open(archive) as opened:
        assert {member.mtime for member in opened} == {0}
        assert all(member.isreg() and member.name.startswith("one/") for member in opened)
        opened.extractall(tmp_path / "unpacked", filter="data")
    assert (tmp_path / "unpacked/one/SHA256SUMS").read_bytes() == (packed / "SHA256SUMS").read_bytes()
    check_sums(tmp_path / "unpacked/one")


def test_runs_are_chosen_by_paper_table_and_name(demo):
    def experiments(**wanted):
        return {run.experiment for run in chosen_runs(demo, Wanted(**wanted))}

    assert len(chosen_runs(demo, Wanted())) == len(chosen_runs(demo, Wanted(papers=["se_densenet"])))
    assert len(chosen_runs(demo, Wanted())) == len(demo.runs)
    assert experiments(tables=["se_densenet/table1"]) == {
        "baseline",
        "optimized",
        "optimized_re",
        "proposed",
    }
    assert experiments(runs=["se_densenet-baseline-veri776-s1"]) == {"baseline"}
    (one,) = chosen_runs(demo, Wanted(runs=["se_densenet-baseline-veri776-s1"]))
    assert one.config.seed == 1


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (Wanted(papers=["se_densnet"]), "no paper se_densnet .did you mean `se_densenet`"),
        (Wanted(tables=["se_densenet/table9"]), "no table se_densenet/table9"),
        (Wanted(runs=["se_densenet-basline-veri776-s0"]), "no run se_densenet-basline-veri776-s0"),
    ],
)
def test_a_wrong_name_is_a_sentence(demo, wanted, sentence, tmp_path):
    with pytest.raises(UserError, match=sentence):
        make_bundle(demo, wanted, tmp_path / "out", lock=LOCK)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_overwritten(demo, tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(UserError, match="is there already"):
        make_bundle(demo, Wanted(), tmp_path / "out", lock=LOCK)


def test_data_that_was_not_made_cannot_be_packed(demo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"data/index/synthetic/veri776-.* is not there"):
        make_bundle(demo, Wanted(runs=RUNS[:1]), tmp_path / "out", with_data=True, lock=LOCK)


def test_real_data_has_to_be_carried(demo, tmp_path):
    real = demo.datasets["veri776"].model_copy(update={"source": "real"})
    with_real = demo.model_copy(update={"datasets": {**demo.datasets, "veri776": real}})
    with pytest.raises(UserError, match="veri776: real data cannot be rendered elsewhere"):
        make_bundle(with_real, Wanted(runs=RUNS[:1]), tmp_path / "out", lock=LOCK)


def test_a_bundle_of_another_format_is_refused(packed, tmp_path):
    said = json.loads((packed / "bundle.json").read_text())
    (tmp_path / "bundle.json").write_text(json.dumps({**said, "format": 2}))
    with pytest.raises(UserError, match="not of this version of vreid: format"):
        Bundle.read(tmp_path)
    with pytest.raises(UserError, match="is no bundle"):
        Bundle.read(tmp_path / "absent")
