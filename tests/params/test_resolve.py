"""The plan that the project's own params/ resolves to, and what an edit of one value changes in it."""

import json
import shutil
from pathlib import Path

import pytest

from vreid.params.dataset import dataset_names
from vreid.params.errors import UserError
from vreid.params.plan import Plan, recorded_digest
from vreid.params.resolve import load, shortened
from vreid.synthetic.render import load_layout
from vreid.synthetic.world import plan_world

PARAMS = Path(__file__).parents[2] / "params"


@pytest.fixture
def params(tmp_path: Path) -> Path:
    return shutil.copytree(PARAMS, tmp_path / "params")


def edit(params: Path, file: str, old: str, new: str) -> None:
    path = params / file
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize("preset", sorted(path.stem for path in (PARAMS / "presets").glob("*.yaml")))
def test_every_preset_resolves(preset: str):
    plan = load(PARAMS, preset)
    assert plan.preset == preset
    assert set(plan.pages) == {"all_tables", "papers/se_densenet"}


def test_tables_1_and_2_carry_the_printed_values_in_the_papers_order():
    plan = load(PARAMS, "demo")
    table1 = plan.tables["se_densenet/table1"]
    printed = {row.label: row.paper for row in table1.rows}
    assert list(printed.values()) == [(68.5, 92.5), (70.0, 94.0), (73.5, 94.3), (75.5, 94.8)]
    table2 = plan.tables["se_densenet/table2"]
    assert [row.kind for row in table2.rows] == ["cited"] * 11 + ["own"]
    pamtri, ours = (next(r for r in table2.rows if r.label == label) for label in ("PAMTRI", "Ours"))
    # sec. 4.4 prints the two differences
    assert [round(a - b, 1) for a, b in zip(ours.paper, pamtri.paper, strict=True)] == [3.6, 1.9]


def test_the_proposed_row_of_both_tables_is_one_run_per_seed():
    plan = load(PARAMS, "demo")
    last1, last2 = (plan.tables[f"se_densenet/{t}"].rows[-1] for t in ("table1", "table2"))
    assert last1.cells[0].runs == last2.cells[0].runs
    assert len(last1.cells[0].runs) == len(plan.tables["se_densenet/table1"].seeds)


def test_the_paper_preset_is_the_printed_recipe_and_says_nothing_else():
    plan = load(PARAMS, "paper")
    assert plan.tables["se_densenet/table1"].recipe == (
        "optimizer.lr: 0.00035 (paper: printed 0.0035)",
        "schedule.name: multistep (paper: printed exponential decay)",
    )
    run = next(iter(plan.runs.values()))
    assert (run.config.input.height, run.config.schedule.epochs) == (256, 120)
    assert run.config.sampler.ids * run.config.sampler.images_per_id == 32


def test_every_departure_of_the_demo_is_said_with_the_printed_value():
    recipe = load(PARAMS, "demo").tables["se_densenet/table1"].recipe
    assert "input.height: 64 (paper: 256)" in recipe
    assert any(line.startswith("schedule.epochs: ") and line.endswith("(paper: 120)") for line in recipe)
    assert any(line.startswith("model.growth_rate: ") and line.endswith("(paper: 32)") for line in recipe)
    assert not any("margin" in line for line in recipe)


def test_nothing_that_the_paper_does_not_print_is_said_to_be_the_papers():
    recipe = load(PARAMS, "demo").tables["se_densenet/table1"].recipe
    assert "optimizer.lr: 0.005 (paper: printed 0.0035, taken as 0.00035)" in recipe
    assert "schedule.warmup.epochs: 2.5 (paper: unprinted, taken as 10.0)" in recipe
    assert not any(line.startswith("engine.") for line in recipe)


def test_no_preset_hides_what_makes_an_experiment(params: Path):
    edit(params, "papers/se_densenet.yaml", "  proposed: {}", "  proposed: {optimizer.lr: 0.0035}")
    plan = load(params, "demo")
    rates = {run.experiment: run.config.optimizer.lr for run in plan.runs.values()}
    assert rates["proposed"] == 0.0035
    assert rates["optimized"] == 0.005  # the demo's own


def test_two_experiments_that_differ_in_the_test_alone_are_refused(params: Path):
    edit(
        params,
        "papers/se_densenet.yaml",
        "  proposed: {}",
        "  proposed: {}\n  again: {test.feature: before_neck}",
    )
    edit(
        params,
        "papers/se_densenet.yaml",
        "text: [DenseNet121], run: proposed",
        "text: [DenseNet121], run: again",
    )
    with pytest.raises(UserError, match="tests it otherwise"):
        load(params, "demo")


def test_a_column_of_another_dataset_is_refused_before_anything_is_trained(params: Path):
    edit(
        params,
        "papers/se_densenet.yaml",
        "caption: Qualitative analysis on VeRi-776\n    columns: [mAP, R1]",
        "caption: Qualitative analysis on VeRi-776\n    columns: [mAP, {metric: R1, dataset: vehicleid}]",
    )
    with pytest.raises(UserError, match="column of another dataset"):
        load(params, "demo")


@pytest.mark.parametrize(
    ("file", "old", "new", "opening"),
    [
        ("papers/se_densenet.yaml", "    epochs: 120", "    epoch: 120", "papers/se_densenet.yaml"),
        ("papers/se_densenet.yaml", "    epochs: 120", "    epochs: many", "papers/se_densenet.yaml"),
        ("papers/se_densenet.yaml", "[40, 70]", "40", "papers/se_densenet.yaml"),
        ("papers/se_densenet.yaml", "lr: 0.0035}   #", "lrr: 0.0035}   #", "papers/se_densenet.yaml"),
        ("presets/demo.yaml", "model.growth_rate", "model.growth_rat", "presets/demo.yaml"),
        ("presets/demo.yaml", "optimizer.lr:", "optimizer.lrr:", "presets/demo.yaml"),
    ],
)
def test_a_mistake_is_laid_to_the_file_that_makes_it(
    params: Path, file: str, old: str, new: str, opening: str
):
    path = params / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(UserError) as error:
        load(params, "demo")
    assert str(error.value).startswith(str(params / opening)), str(error.value)


def test_without_the_real_data_rows_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    plan = load(PARAMS, "paper")
    cells = [cell for row in plan.tables["se_densenet/table1"].rows for cell in row.cells]
    assert {cell.status for cell in cells} == {"dataset absent"}
    assert plan.present_runs() == []


def test_with_the_real_data_in_place_rows_are_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data/raw/real/veri776/image_train").mkdir(parents=True)
    before = load(PARAMS, "paper")
    assert len(before.present_runs()) == len(before.runs)
    (tmp_path / "data/raw/real/veri776/image_train/0001_c001_00016450_0.jpg").write_bytes(b"x")
    assert not set(load(PARAMS, "paper").runs) & set(before.runs)


def test_every_dataset_is_planned_also_those_that_no_table_uses():
    plan = load(PARAMS, "demo")
    assert list(plan.datasets) == dataset_names(PARAMS)
    for dataset in plan.datasets.values():
        assert dataset.present and dataset.source == "synthetic"
        runs = {run.pack for run in plan.runs.values() if run.config.dataset == dataset.name}
        assert set(dataset.packs) == runs or not runs


def test_a_dataset_without_runs_is_packed_at_the_preset_s_size():
    datasets = load(PARAMS, "demo").datasets
    unused = {name: dataset.packs for name, dataset in datasets.items()}
    assert unused["vru"] == (f"data/packed/synthetic/{datasets['vru'].version}-64x64",)
    assert unused["rgbn300"] == (f"data/packed/synthetic/{datasets['rgbn300'].version}-64x128",)
    assert load(PARAMS, "paper").datasets["vru"].packs == ()  # nothing says a size


def test_a_darkened_list_is_named_by_its_draw(params: Path):
    before = load(params, "demo").datasets
    assert before["vru"].darkened is None and before["vru"].darkened_packs() == []
    edit(params, "datasets/cars196.yaml", "share: 0.1, factor: 0.3", "share: 0.1, factor: 0.4")
    after = load(params, "demo").datasets
    assert after["cars196"].version == before["cars196"].version
    assert after["cars196"].darkened != before["cars196"].darkened
    variant = Path(after["cars196"].darkened).stem.removeprefix(after["cars196"].version)
    assert after["cars196"].darkened_packs() == [f"{after['cars196'].packs[0]}{variant}"]


def test_own_data_is_real_under_a_preset_that_renders(params: Path, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = load(params, "demo")
    own = (params / "datasets/veri_uav.yaml").read_text().partition("# The rendered stand-in")[0]
    (params / "datasets/mine.yaml").write_text(own)
    after = load(params, "demo")
    assert (after.dataset("mine").source, after.dataset("mine").present) == ("real", False)
    assert after.runs == before.runs and after.tables == before.tables
    edit(params, "papers/se_densenet.yaml", "dataset: veri776", "dataset: mine")
    with pytest.raises(UserError, match=r"mine.yaml: `render` is missing: .* no rendered stand-in"):
        load(params, "demo")


def test_a_stand_in_that_nobody_can_write_is_a_sentence(params: Path):
    shutil.copy(params / "datasets/vru.yaml", params / "datasets/mine.yaml")
    with pytest.raises(UserError, match=r"mine.yaml: `render` says how to render mine, but no module"):
        load(params, "demo")


@pytest.mark.parametrize("preset", ["demo", "bench"])
def test_every_preset_that_renders_can_render_all(preset: str):
    for dataset in load(PARAMS, preset).datasets.values():
        world = plan_world(dataset.spec.render)
        load_layout(dataset.name).check(world)
        assert len(world.shots) == dataset.rendered_images()


def test_the_bench_preset_is_large_enough_to_compare_methods():
    for dataset in load(PARAMS, "bench").datasets.values():
        render = dataset.spec.render
        # Cars196 has 98 classes on either side.
        least = (98, 98) if dataset.name == "cars196" else (200, 100)
        assert render.train_ids >= least[0] and render.test_ids >= least[1]
        assert render.cameras_per_id * render.images_per_camera == 20


def test_one_value_of_one_experiment_renames_its_runs_alone(params: Path):
    before = load(params, "demo")
    edit(params, "papers/se_densenet.yaml", "proposed: {}", "proposed: {losses.focal.gamma: 3.0}")
    after = load(params, "demo")
    changed = set(after.runs) - set(before.runs)
    assert {after.runs[name].experiment for name in changed} == {"proposed"}
    assert len(changed) == len(before.tables["se_densenet/table1"].seeds)
    assert all(after.runs[name].config.losses[1].gamma == 3.0 for name in changed)


def test_writing_a_default_out_changes_nothing(params: Path):
    before = load(params, "demo")
    edit(params, "papers/se_densenet.yaml", "proposed: {}", "proposed: {losses.focal.weight: 1.0}")
    assert set(load(params, "demo").runs) == set(before.runs)


def test_two_experiments_that_resolve_alike_are_one_run(params: Path):
    text = "proposed: {}\n  again: {}"
    edit(params, "papers/se_densenet.yaml", "proposed: {}", text)
    edit(
        params,
        "papers/se_densenet.yaml",
        "{label: Ours, text: [DenseNet121], run: proposed",
        "{label: Ours, text: [DenseNet121], run: again",
    )
    plan = load(params, "demo")
    rows = [plan.tables[f"se_densenet/{t}"].rows[-1] for t in ("table1", "table2")]
    assert rows[0].cells[0].runs == rows[1].cells[0].runs
    assert plan.runs[rows[0].cells[0].runs[0]].same == ("se_densenet/proposed", "se_densenet/again")


def test_a_caption_changes_the_digest_of_its_table_and_page_alone(params: Path):
    before = load(params, "demo")
    edit(params, "papers/se_densenet.yaml", "caption: Qualitative analysis on VeRi-776", "caption: Other")
    after = load(params, "demo")
    assert set(after.runs) == set(before.runs)
    changed = {key for key in before.tables if before.tables[key].digest != after.tables[key].digest}
    assert changed == {"se_densenet/table1"}
    assert all(before.pages[page].digest != after.pages[page].digest for page in before.pages)


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("presets/demo.yaml", "se_densenet:\n", "se_densnet:\n", ["`papers.se_densnet`", "`se_densenet`"]),
        ("presets/demo.yaml", "  rgbn300: {", "  rgbn30: {", ["`packs.rgbn30`", "`rgbn300`"]),
        ("presets/demo.yaml", "source: synthetic", "source: synthetik", ["`source`", "`synthetic`"]),
        ("papers/se_densenet.yaml", "dataset: veri776", "dataset: veri77", ["'veri77'", "`veri776`"]),
        ("papers/se_densenet.yaml", "distance: cosine", "distance: cosin", ["distance", "`cosine`"]),
        ("papers/se_densenet.yaml", "  mid_features: true", "  midfeatures: true", ["`mid_features`"]),
    ],
)
def test_mistakes_are_sentences(params: Path, file: str, old: str, new: str, words: list[str]):
    path = params / file
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(UserError) as error:
        load(params, "demo")
    assert all(word in str(error.value) for word in words), str(error.value)


def test_the_plan_is_read_back_as_it_was_written(tmp_path: Path):
    plan = load(PARAMS, "demo")
    file = plan.write(tmp_path)
    assert Plan.read(file) == plan
    assert plan.write(tmp_path) == file
    assert len(list(tmp_path.iterdir())) == 1


def test_names_without_digest_will_do_where_they_are_clear():
    plan = load(PARAMS, "demo")
    name = next(name for name in plan.runs if "-proposed-" in name and "-s0-" in name)
    assert plan.run("se_densenet-proposed-veri776-s0").name == name
    with pytest.raises(UserError, match="could be any of"):
        plan.run("se_densenet-proposed-veri776")
    with pytest.raises(UserError, match="no run"):
        plan.run("sedensenet")


def test_a_shortened_schedule_keeps_its_proportions():
    printed = {"epochs": 120, "milestones": [40, 70], "gamma": 0.1, "warmup": {"epochs": 10, "factor": 0.01}}
    assert shortened(printed, 12) == {
        "epochs": 12,
        "milestones": [4.0, 7.0],
        "gamma": 0.1,
        "warmup": {"epochs": 1.0, "factor": 0.01},
    }


def test_stale_reports_are_those_that_are_there_and_of_another_digest(tmp_path: Path):
    plan = load(PARAMS, "demo")
    for report, digest in (
        ("tables/se_densenet/table1", "of old"),
        ("tables/se_densenet/table2", plan.tables["se_densenet/table2"].digest),
        ("tracking", ""),
    ):
        file = tmp_path / f"{report}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"digest": digest}))
    assert plan.stale_reports(tmp_path) == ["tables/se_densenet/table1", "tracking"]


@pytest.mark.parametrize("text", ["", "[]", '{"digest": 3}', "{"])
def test_a_report_without_a_readable_digest_is_stale(tmp_path: Path, text: str):
    report = tmp_path / "table1.json"
    assert recorded_digest(report) is None
    report.write_text(text)
    assert recorded_digest(report) is None
