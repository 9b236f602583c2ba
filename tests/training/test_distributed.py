import json

import pytest

from vreid.params.errors import UserError
from vreid.training import distributed


def test_torchrun_trains_with_two_processes(trained, pack, config, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    distributed.train_in_processes(
        config(schedule={"name": "cosine", "epochs": 1}), pack, tmp_path / "run", 2
    )
    names = {path.name for path in trained.iterdir()} - {"features"}
    assert {path.name for path in (tmp_path / "run").iterdir()} == names
    assert json.loads((tmp_path / "run" / "run.json").read_text())["arithmetic"]["processes"] == 2
    events = [json.loads(line) for line in (tmp_path / "run" / "events.jsonl").read_text().splitlines()]
    assert [event["type"] for event in events] == ["start", "metrics", "end"]


def test_a_failure_is_a_sentence_with_the_number_of_the_process(config, tmp_path, monkeypatch):
    (tmp_path / "config.json").write_text(config().model_dump_json())
    arguments = ["distributed", str(tmp_path / "config.json"), str(tmp_path / "pack"), str(tmp_path / "run")]
    monkeypatch.setattr("sys.argv", arguments)
    with pytest.raises(SystemExit, match=r"vreid, process 1: .*pack\.json is missing"):
        distributed.main()


def test_processes_that_fail_are_a_sentence(config, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.executable", "false")
    with pytest.raises(UserError, match="run was not trained to its end by 3 processes"):
        distributed.train_in_processes(config(), tmp_path / "pack", tmp_path / "run", 3)
