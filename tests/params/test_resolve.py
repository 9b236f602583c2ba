"""The plan that the project's own params/ resolves to, and what an edit of one value changes in it."""

import json
import shutil
from functools import cache
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from vreid.params.dataset import dataset_names
from vreid.params.errors import UserError
from vreid.params.plan import Plan, recorded_digest
from vreid.params.planning.recipes import shortened
from vreid.params.resolve import load
from vreid.synthetic.render import load_layout
from vreid.synthetic.world import plan_world

PARAMS = Path(__file__).parents[2] / "params"


@cache
def resolved(preset: str) -> Plan:
    """The plan of a preset of the project's own params/."""
    return load(PARAMS, preset)


@pytest.fixture
def params(tmp_path: Path) -> Path:
    """A copy with one paper, to be edited."""
    copy = shutil.copytree(PARAMS, tmp_path / "params")
    for file in (copy / "papers").glob("*.yaml"):
        if file.stem != "se_densenet":
            file.unlink()
    for file in (copy / "presets").glob("*.yaml"):
        preset = YAML(typ="safe").load(file)
        others = [paper for paper in preset.get("papers", {}) if paper != "se_densenet"]
        if others:
            file.write_text(_without(file.read_text(), others))
    return copy


def _without(text: str, papers: list[str]) -> str:
    """Cut the blocks of `papers` out of a preset's text, everything else kept to the letter."""
    kept, skipping = [], False
    for line in text.splitlines(keepends=True):
        if line[:2] != "  " or line[2] not in " #":
            skipping = line.strip().removesuffix(":") in papers and line.startswith("  ")
        if not skipping:
            kept.append(line)
    return "".join(kept)


def edit(params: Path, file: str, old: str, new: str) -> None:
    path = params / file
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize("preset", sorted(path.stem for path in (PARAMS / "presets").glob("*.yaml")))
def test_every_preset_resolves(preset: str):
    plan = resolved(preset)
    assert plan.preset == preset
    papers = {path.stem for path in (PARAMS / "papers").glob("*.yaml")}
    assert set(plan.pages) == {"all_tables", "claims", *(f"papers/{paper}" for paper in papers)}
    assert set(plan.claims) == papers
    reports = [f"tables/{key}" for key in plan.tables] + [f"figures/{key}" for key in plan.figures]
    reports += [f"claims/{paper}" for paper in papers] + [f"audits/{run}/audit" for run in plan.audits]
    assert sorted(plan.site.parts) == sorted(reports)


def test_tables_1_and_2_carry_the_printed_values_in_the_papers_order():
    plan = resolved("demo")
    table1 = plan.tables["se_densenet/table1"]
    printed = {row.label: row.paper for row in table1.rows}
    assert list(printed.values()) == [(68.5, 92.5), (70.0, 94.0), (73.5, 94.3), (75.5, 94.8)]
    table2 = plan.tables["se_densenet/table2"]
    assert [row.kind for row in table2.rows] == ["cited"] * 11 + ["own"]
    pamtri, ours = (next(r for r in table2.rows if r.label == label) for label in ("PAMTRI", "Ours"))
    # sec. 4.4 prints the two differences
    assert [round(a - b, 1) for a, b in zip(ours.paper, pamtri.paper, strict=True)] == [3.6, 1.9]


def test_the_proposed_row_of_both_tables_is_one_run_per_seed():
    plan = resolved("demo")
    last1, last2 = (plan.tables[f"se_densenet/{t}"].rows[-1] for t in ("table1", "table2"))
    assert last1.cells[0].runs == last2.cells[0].runs
    assert len(last1.cells[0].runs) == len(plan.tables["se_densenet/table1"].seeds)


def test_the_paper_preset_is_the_printed_recipe_and_says_nothing_else():
    plan = resolved("paper")
    assert plan.tables["se_densenet/table1"].recipe == (
        "optimizer.lr: 0.00035 (paper: printed 0.0035)",
        "schedule.name: multistep (paper: printed exponential decay)",
    )
    run = plan.run("se_densenet-baseline-veri776-s0")
    assert (run.config.input.height, run.config.schedule.epochs) == (256, 120)
    assert run.config.sampler.ids * run.config.sampler.images_per_id == 32


def test_every_departure_of_the_demo_is_said_with_the_printed_value():
    recipe = resolved("demo").tables["se_densenet/table1"].recipe
    assert "input.height: 64 (paper: 256)" in recipe
    assert any(line.startswith("schedule.epochs: ") and line.endswith("(paper: 120)") for line in recipe)
    assert any(line.startswith("model.backbone.width: ") and line.endswith("(paper: 1.0)") for line in recipe)
    assert not any("margin" in line for line in recipe)


def test_nothing_that_the_paper_does_not_print_is_said_to_be_the_papers():
    recipe = resolved("demo").tables["se_densenet/table1"].recipe
    assert "optimizer.lr: 0.001 (paper: printed 0.0035, taken as 0.00035)" in recipe
    assert "schedule.warmup.epochs: 0.666667 (paper: unprinted, taken as 10.0)" in recipe
    assert not any(line.startswith("engine.") for line in recipe)


def test_a_key_below_one_that_was_read_into_the_text_is_said_as_that_one():
    recipe = resolved("demo").tables["hamnet/table4"].recipe
    assert "sampler.ids: 8 (paper: printed batch size of 16, taken as 4)" in recipe
    assert not any(line.startswith("sampler:") for line in recipe)


def test_no_preset_hides_what_makes_an_experiment(params: Path):
    edit(params, "papers/se_densenet.yaml", "  proposed: {}", "  proposed: {optimizer.lr: 0.0035}")
    plan = load(params, "demo")
    rates = {run.experiment: run.config.optimizer.lr for run in plan.runs.values()}
    assert rates["proposed"] == 0.0035
    assert rates["optimized"] == 0.001  # the demo's own


def test_two_experiments_that_differ_in_the_test_alone_are_one_run_tested_twice(params: Path):
    again = "  proposed: {}\n  again: {test.feature: before_neck}"
    edit(params, "papers/se_densenet.yaml", "  proposed: {}", again)
    edit(
        params,
        "papers/se_densenet.yaml",
        "text: [DenseNet121], run: proposed",
        "text: [DenseNet121], run: again",
    )
    plan = load(params, "demo")
    proposed, other = (plan.tables[f"se_densenet/{t}"].rows[-1].cells[0] for t in ("table1", "table2"))
    assert proposed.runs == other.runs
    run = plan.runs[proposed.runs[0]]
    assert run.same == ("se_densenet/proposed", "se_densenet/again")
    assert [test.test.feature for test in run.tests] == ["after_neck", "before_neck"]
    assert [proposed.evaluations[0], other.evaluations[0]] == [test.results for test in run.tests]
    assert len({test.features for test in run.tests}) == 1
    assert run.test.feature == "after_neck"  # its recipe's own comes first


def test_a_column_of_another_dataset_trains_the_row_s_experiment_on_it(params: Path):
    edit(
        params,
        "papers/se_densenet.yaml",
        "caption: Qualitative analysis on VeRi-776\n    columns: [mAP, R1]",
        "caption: Qualitative analysis on VeRi-776\n    columns: [mAP, {metric: R1, dataset: vehicleid}]",
    )
    plan = load(params, "demo")
    here, there = plan.tables["se_densenet/table1"].rows[0].cells
    assert plan.runs[here.runs[0]].config.dataset == "veri776"
    assert plan.runs[there.runs[0]].config.dataset == "vehicleid"
    column = plan.tables["se_densenet/table1"].columns[1]
    assert (column.dataset, column.protocol) == ("vehicleid", "vehicleid_official_800")


def test_an_experiment_on_another_dataset_than_its_column_is_refused(params: Path):
    edit(params, "papers/se_densenet.yaml", "  optimized_re:\n", "  optimized_re:\n    dataset: vehicleid\n")
    with pytest.raises(UserError, match=r"trains on vehicleid, but the row .* has a column of veri776"):
        load(params, "demo")


def test_a_column_s_variant_changes_what_is_trained_and_its_test_only_how_it_is_tested(params: Path):
    edit(
        params,
        "papers/se_densenet.yaml",
        "experiments:\n  baseline:",
        "variants:\n  steep: {losses.triplet.margin: 0.5}\n\nexperiments:\n  baseline:",
    )
    edit(
        params,
        "papers/se_densenet.yaml",
        "caption: Qualitative analysis on VeRi-776\n    columns: [mAP, R1]",
        "caption: Qualitative analysis on VeRi-776\n    columns: [{metric: mAP, variant: steep}, "
        "{metric: R1, test: {images: darkened}}]",
    )
    plan = load(params, "demo")
    steep, dark = plan.tables["se_densenet/table1"].rows[-1].cells
    assert plan.runs[steep.runs[0]].config.losses[0].margin == 0.5
    assert "proposed_steep" in steep.runs[0]
    run = plan.runs[dark.runs[0]]
    assert [test.test.images for test in run.tests] == ["original", "darkened"]
    test = run.on_images("darkened")
    assert dark.evaluations[0] == test.results
    assert test.features == f"runs/{run.name}/features-darkened"
    assert test.pack == plan.datasets["veri776"].darkened_pack(run.pack)
    assert test.pack in plan.datasets["veri776"].darkened_packs()


def test_training_on_darkened_images_is_another_run_on_the_darkened_pack(params: Path):
    edit(
        params,
        "papers/se_densenet.yaml",
        "  optimized_re:\n",
        "  optimized_re:\n    images: darkened\n    test.images: darkened\n",
    )
    plan = load(params, "demo")
    run = plan.run("se_densenet-optimized_re-veri776-s0")
    assert run.pack == run.tests[0].pack == plan.datasets["veri776"].darkened_packs()[0]
    with pytest.raises(UserError, match="not tested on original images"):
        run.on_images("original")


def test_what_a_preset_leaves_out_is_not_run_and_says_so(params: Path):
    edit(params, "presets/demo.yaml", "  se_densenet:\n", "  se_densenet:\n    leave_out: [optimized]\n")
    plan = load(params, "demo")
    assert not any("-optimized-" in name for name in plan.runs)
    cells = plan.tables["se_densenet/table1"].rows[1].cells
    assert {cell.status for cell in cells} == {"not in this preset"}
    sides = {pair.better.status for claim in plan.claims["se_densenet"].claims for pair in claim.pairs}
    sides |= {pair.worse.status for claim in plan.claims["se_densenet"].claims for pair in claim.pairs}
    assert sides == {"run", "not in this preset"}


def test_a_preset_may_name_the_little_that_it_runs(params: Path):
    only = "only: [proposed-veri776, proposed-vehicleid, baseline-veri776]"
    edit(params, "presets/demo.yaml", "  se_densenet:\n", f"  se_densenet:\n    {only}\n")
    plan = load(params, "demo")
    mine = [name for name in plan.runs if name.startswith("se_densenet-")]
    assert {name.rsplit("-", 2)[0] for name in mine} == {
        "se_densenet-proposed-veri776",
        "se_densenet-proposed-vehicleid",
        "se_densenet-baseline-veri776",
    }
    rows = plan.tables["se_densenet/table1"].rows
    assert [row.cells[0].status for row in rows] == ["run", "not in this preset", "not in this preset", "run"]
    assert plan.claims["se_densenet"].shortened


def set_seeds(params: Path, seeds_of: dict[str, list[int]]) -> None:
    file = params / "presets" / "demo.yaml"
    preset = YAML(typ="safe").load(file)
    preset["papers"]["se_densenet"]["seeds_of"] = seeds_of
    YAML(typ="safe").dump(preset, file)


def test_a_preset_may_give_a_run_seeds_of_its_own(params: Path):
    set_seeds(params, {"baseline-veri776": [4], "proposed-veri776": [4, 5, 6]})
    plan = load(params, "demo")
    seeds: dict[str, set[int]] = {}
    for run in plan.runs.values():
        if run.paper == "se_densenet" and run.config.dataset == "veri776":
            seeds.setdefault(run.experiment, set()).add(run.config.seed)
    assert seeds.pop("baseline") == {4} and seeds.pop("proposed") == {4, 5, 6}
    table = plan.tables["se_densenet/table1"]
    assert all(of == set(table.seeds) - {4, 5, 6} for of in seeds.values())
    expected = [1, len(seeds["optimized"]), len(seeds["optimized_re"]), 3]
    assert [len(row.cells[0].runs) for row in table.rows] == expected


def test_seeds_of_a_run_that_nothing_asks_for(params: Path):
    set_seeds(params, {"propsed-veri776": [1]})
    with pytest.raises(UserError, match=r"seeds_of.*asks for 'propsed-veri776'.*proposed-veri776"):
        load(params, "demo")


def test_the_headline_runs_what_it_names_variants_too_and_nothing_else():
    named = YAML(typ="safe").load(PARAMS / "presets/headline.yaml")["papers"]
    stems = {f"{paper}-{stem}" for paper, of in named.items() for stem in of["only"]}
    assert "alsa-proposed_cars196-cars196" in stems
    run = resolved("headline").runs.values()
    names = {f"{alias.replace('/', '-')}-{one.config.dataset}" for one in run for alias in one.same}
    assert names == stems


@pytest.mark.parametrize("wrong", ["proposed", "proposed-cars196", "propsed-veri776"])
def test_what_nothing_asks_for_cannot_be_all_that_is_run(params: Path, wrong: str):
    edit(params, "presets/demo.yaml", "  se_densenet:\n", f"  se_densenet:\n    only: [{wrong}]\n")
    with pytest.raises(UserError, match=rf"papers.se_densenet.only.*asks for '{wrong}'") as failure:
        load(params, "demo")
    assert wrong != "propsed-veri776" or "proposed-veri776" in str(failure.value)


def test_a_preset_changes_one_experiment_after_all_else(params: Path):
    edit(
        params,
        "presets/demo.yaml",
        "  se_densenet:\n",
        "  se_densenet:\n    experiments: {gamma_5: {losses.focal.gamma: 4.0}}\n",
    )
    assert load(params, "demo").run("se_densenet-gamma_5-veri776-s0").config.losses[1].gamma == 4.0


def test_claims_are_bound_to_the_per_query_results_of_every_seed():
    plan = resolved("demo").claims["se_densenet"]
    claim = next(claim for claim in plan.claims if claim.id == "focal-loss")
    [pair] = claim.pairs
    assert pair.paper == 2.0  # 75.5 - 73.5, Table 1
    assert len(pair.better.per_query) == len(pair.worse.per_query) == len(plan.seeds)
    assert all("/eval-" in file and file.endswith("/per_query.parquet") for file in plan.inputs())
    best = next(claim for claim in plan.claims if claim.id == "gamma-two")
    assert best.kind == "best" and len(best.pairs) == 5
    assert plan.shortened


def test_the_paper_preset_shortens_nothing():
    assert not any(claims.shortened for claims in resolved("paper").claims.values())


def test_every_open_point_is_listed_with_what_was_taken():
    plan = resolved("demo").claims["se_densenet"]
    points = {point.key: point for point in plan.deviations}
    assert (points["optimizer.lr"].printed, points["optimizer.lr"].taken) == ("0.0035", "0.00035")
    assert points["test.feature"].printed == "not printed"
    assert points["triplet-mining"].where == "Eq. 3"


def test_a_contradiction_that_does_not_come_out_as_declared_is_refused(params: Path):
    edit(params, "papers/se_densenet.yaml", "== 3.6\n    holds: true", "== 3.6\n    holds: false")
    with pytest.raises(UserError, match=r"ahead-of-pamtri-map: .* is True .*, but `holds` says False"):
        load(params, "demo")


def test_a_sweep_names_its_points_and_what_they_must_equal():
    figure = resolved("demo").figures["se_densenet/figure6"]
    names = [method.experiment for method in figure.methods]
    assert names == ["gamma_0", "gamma_05", "gamma_1", "proposed", "gamma_3", "gamma_5", "optimized_re"]
    assert all(
        result.per_query in {f"{r.evaluation}/per_query.parquet" for r in method.results}
        for method in figure.methods
        for result in method.results
    )
    assert {f"{method.results[0].evaluation}/evaluation.json" for method in figure.methods} <= set(
        figure.inputs()
    )


@pytest.mark.parametrize(
    ("file", "old", "new", "opening"),
    [
        ("papers/se_densenet.yaml", "    epochs: 120", "    epoch: 120", "papers/se_densenet.yaml"),
        ("papers/se_densenet.yaml", "    epochs: 120", "    epochs: many", "papers/se_densenet.yaml"),
        ("papers/se_densenet.yaml", "[40, 70]", "40", "papers/se_densenet.yaml"),
        (
            "papers/se_densenet.yaml",
            "{optimizer.lr: 0.0035}",
            "{optimizer.lrr: 0.0035}",
            "papers/se_densenet.yaml",
        ),
        ("presets/demo.yaml", "model.backbone.width", "model.backbone.widht", "presets/demo.yaml"),
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


def test_without_the_real_data_rows_say_so(params: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    plan = load(params, "paper")
    cells = [cell for row in plan.tables["se_densenet/table1"].rows for cell in row.cells]
    assert {cell.status for cell in cells} == {"dataset absent"}
    assert plan.present_runs() == []


def test_with_the_real_data_in_place_rows_are_run(
    params: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data/raw/real/veri776/image_train").mkdir(parents=True)
    before = load(params, "paper")
    on_veri = {name for name in before.runs if "-veri776-" in name}
    assert {run.name for run in before.present_runs()} == on_veri != set()
    (tmp_path / "data/raw/real/veri776/image_train/0001_c001_00016450_0.jpg").write_bytes(b"x")
    assert not set(load(params, "paper").runs) & on_veri


def test_every_dataset_is_planned_also_those_that_no_table_uses():
    plan = resolved("demo")
    assert list(plan.datasets) == dataset_names(PARAMS)
    for dataset in plan.datasets.values():
        assert dataset.present and dataset.source == "synthetic"
        runs = {run.pack for run in plan.runs.values() if run.config.dataset == dataset.name}
        assert runs <= {*dataset.packs, *dataset.darkened_packs()}


def test_a_dataset_without_runs_is_packed_at_the_preset_s_size(params: Path):
    datasets = load(params, "demo").datasets
    unused = {name: dataset.packs for name, dataset in datasets.items()}
    assert unused["vru"] == (f"data/packed/synthetic/{datasets['vru'].version}-64x64",)
    assert unused["rgbn300"] == (f"data/packed/synthetic/{datasets['rgbn300'].version}-64x64",)
    assert load(params, "paper").datasets["vru"].packs == ()  # nothing says a size


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
    edit(params, "papers/se_densenet.yaml", "  dataset: veri776", "  dataset: mine")
    with pytest.raises(UserError, match=r"mine.yaml: `render` is missing: .* no rendered stand-in"):
        load(params, "demo")


def test_a_stand_in_that_nobody_can_write_is_a_sentence(params: Path):
    shutil.copy(params / "datasets/vru.yaml", params / "datasets/mine.yaml")
    with pytest.raises(UserError, match=r"mine.yaml: `render` says how to render mine, but no module"):
        load(params, "demo")


@pytest.mark.parametrize("preset", ["demo", "bench"])
def test_every_preset_that_renders_can_render_all(preset: str):
    for dataset in resolved(preset).datasets.values():
        world = plan_world(dataset.spec.render)
        load_layout(dataset.name).check(world)
        assert len(world.shots) == dataset.rendered_images()


@pytest.mark.parametrize("preset", ["demo", "bench"])
def test_sets_without_a_camera_rule_hold_no_two_images_from_one_camera_of_a_vehicle(preset: str):
    """Such near-duplicates would be found by their colours alone."""
    counted = 0
    for dataset in resolved(preset).datasets.values():
        if any(protocol.junk == "same_camera" for protocol in dataset.spec.protocols):
            continue
        shots = plan_world(dataset.spec.render).shots
        assert len({(shot.pid, shot.camera) for shot in shots}) == len(shots), dataset.name
        counted += 1
    assert counted >= 4


def test_the_bench_preset_is_large_enough_to_compare_methods():
    for dataset in resolved("bench").datasets.values():
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
    # On VeRi-776, and with one seed on VehicleID for Table 3.
    assert len(changed) == len(before.tables["se_densenet/table1"].rows[-1].cells[0].runs) + 1 == 4
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
    assert [before.figures[key].digest == after.figures[key].digest for key in before.figures]
    pages = {page for page in before.pages if before.pages[page].digest != after.pages[page].digest}
    assert pages == {"all_tables", "papers/se_densenet"}
    assert before.site.digest != after.site.digest


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("presets/demo.yaml", "se_densenet:\n", "se_densnet:\n", ["`papers.se_densnet`", "`se_densenet`"]),
        (
            "presets/demo.yaml",
            "datasets:\n",
            "packs: {rgbn30: {height: 64, width: 64}}\ndatasets:\n",
            ["`packs.rgbn30`", "`rgbn300`"],
        ),
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
    plan = resolved("demo")
    file = plan.write(tmp_path)
    assert Plan.read(file) == plan
    assert plan.write(tmp_path) == file
    assert len(list(tmp_path.iterdir())) == 1


def test_names_without_digest_will_do_where_they_are_clear():
    plan = resolved("demo")
    name = next(name for name in plan.runs if name.startswith("se_densenet-proposed-veri776-s0-"))
    assert plan.run("se_densenet-proposed-veri776-s0").name == name
    with pytest.raises(UserError, match="could be any of"):
        plan.run("se_densenet-proposed")
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
    plan = resolved("demo")
    for report, digest in (
        ("tables/se_densenet/table1", "of old"),
        ("tables/se_densenet/table2", plan.tables["se_densenet/table2"].digest),
        ("index", "of old"),
        ("tracking", ""),
    ):
        file = tmp_path / f"{report}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"digest": digest}))
    assert plan.stale_reports(tmp_path) == ["tables/se_densenet/table1", "index", "tracking"]


@pytest.mark.parametrize("text", ["", "[]", '{"digest": 3}', "{"])
def test_a_report_without_a_readable_digest_is_stale(tmp_path: Path, text: str):
    report = tmp_path / "table1.json"
    assert recorded_digest(report) is None
    report.write_text(text)
    assert recorded_digest(report) is None
