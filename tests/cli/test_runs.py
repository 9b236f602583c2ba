"""`vreid run …`, `table`, `figure`, `claims` and `page`: what they say where something is wrong."""

import pytest
from typer.testing import CliRunner

from vreid.cli.main import app
from vreid.params.errors import UserError

RUN = "se_densenet-proposed-veri776-s0"


@pytest.fixture(scope="module")
def plan(demo, tmp_path_factory):
    """The file of a plan."""
    return demo.write(tmp_path_factory.mktemp("plans"))


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["run", "train", "se_densenet-propsed-veri776-s0"], "no run se_densenet-propsed-veri776-s0"),
        (["run", "train", "se_densenet-proposed-veri776"], "could be any of .*-s0-.*, .*-s1-"),
        (["run", "extract", RUN, "--images", "darkened"], f"{RUN}-.* is not tested on darkened images"),
        (["run", "evaluate", RUN, "--evaluation", "eval-0"], f"{RUN}-.* has no eval-0, only eval-"),
        (
            ["table", "se_densenet", "tabel1"],
            "no table se_densenet/tabel1 .did you mean",
        ),
        (["figure", "se_densenet", "figur6"], "no figure se_densenet/figur6 .did you mean"),
        (["claims", "se_densnet"], "no paper se_densnet"),
        (["page", "all_table"], "no page all_table .did you mean `all_tables`"),
    ],
)
def test_a_wrong_name_is_a_sentence_and_writes_nothing(plan, command, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, [*command, "--plan", str(plan)])
    assert isinstance(result.exception, UserError), result.output
    with pytest.raises(UserError, match=sentence):
        raise result.exception
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["train", "extract"])
def test_a_run_for_gpus_is_not_made_on_the_cpu_because_a_driver_is_old(demo, command, tmp_path, monkeypatch):
    run = demo.run(RUN)
    engine = run.config.engine.model_copy(update={"precision": "bfloat16"})
    config = run.config.model_copy(update={"engine": engine})
    runs = {**demo.runs, run.name: run.model_copy(update={"config": config})}
    plan = demo.model_copy(update={"runs": runs}).write(tmp_path / "plans")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    failure = CliRunner().invoke(app, ["run", command, run.name, "--plan", str(plan)]).exception
    assert isinstance(failure, UserError)
    assert "cannot use those of this machine" in str(failure)
    assert not (tmp_path / "runs").exists()
