"""`vreid run …`, `table`, `figure`, `claims` and `page`: what they say where a name is wrong."""

import pytest
from tests.cli.params import one_paper
from tests.cli.test_data import PROJECT
from typer.testing import CliRunner

from vreid.cli.main import app
from vreid.params.errors import UserError
from vreid.params.resolve import load

RUN = "se_densenet-proposed-veri776-s0"


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    """The plan of one paper, resolved once."""
    folder = tmp_path_factory.mktemp("planned")
    one_paper(PROJECT / "params", folder / "params")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return load(preset="demo").write(folder / "plans")


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
