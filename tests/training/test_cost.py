"""What trainings cost, reckoned by hand for small plans and held against finished runs."""

import json

import pytest

from vreid.params.requests import work
from vreid.params.resolve import load
from vreid.training.cost import (
    Known,
    known_from_runs,
    read_known,
    run_costs,
    step_work,
    steps_of,
    table_costs,
    worth_measuring,
    write_known,
)
from vreid.training.step_time import step_key


@pytest.fixture(scope="module")
def plan():
    return load(preset="demo")


def first(plan, start):
    return next(run for name, run in plan.runs.items() if name.startswith(start))


def test_steps_of_p_x_k_batches(plan):
    # 80 identities with 9 images each; 15 epochs of batches of 8 x 4: two chunks of each identity, 160 / 8.
    run = first(plan, "sanet-sanet-uav_veid")
    render = plan.datasets["uav_veid"].spec.render
    assert (render.train_ids, render.cameras_per_id * render.images_per_camera) == (80, 9)
    assert steps_of(run, plan) == 15 * 20


def test_a_measured_step_counts_as_often_as_it_is_taken(plan):
    run = first(plan, "sanet-sanet-uav_veid")
    known = {step_key(run.config): Known("resnet50", 0.5, step_work(run.config))}
    cost = run_costs(plan, known)[run.name]
    assert (cost.steps, cost.seconds, cost.source) == (300, 150.0, "measured")
    assert cost.work == 3 * 300 * 32 * work(run.config)


def test_other_steps_are_scaled_by_their_work_first_from_those_of_their_backbone(plan):
    resnet, densenet = first(plan, "sanet-sanet-"), first(plan, "se_densenet-baseline-veri776")
    known = {
        "a": Known("resnet50", 1.0, 1e9),
        "b": Known("resnet50", 9.0, 3e9),
        "c": Known("resnet50", 2.0, 1e9),
        "d": Known("mobilenet_v2", 8.0, 1e9),
    }  # 1, 3 and 2 ns a multiply-add: 2 in the median, with the fourth 2.5
    costs = run_costs(plan, known)
    assert costs[resnet.name].source == costs[densenet.name].source == "scaled"
    assert costs[resnet.name].step_seconds == pytest.approx(2e-9 * step_work(resnet.config))
    assert costs[densenet.name].step_seconds == pytest.approx(2.5e-9 * step_work(densenet.config))


def test_without_any_measurement_nothing_is_said(plan):
    costs = run_costs(plan, {})
    assert {cost.source for cost in costs.values()} == {"unknown"}
    assert {cost.seconds for cost in costs.values()} == {None}


def test_a_run_of_several_tables_is_new_in_the_first_alone(plan):
    costs = table_costs(plan)
    counted = [run for cost in costs for run in cost.first]
    assert sorted(counted) == sorted(plan.runs)
    tables = {cost.table: cost for cost in costs}
    assert set(tables["se_densenet/table2"].runs) <= set(tables["se_densenet/table1"].runs)
    assert tables["se_densenet/table2"].first == ()
    assert (
        len(tables["hamnet/table2"].runs) == 4 * 5 + 3 * 2
    )  # four rows, five backbones, three with two more seeds
    assert len(tables["hamnet/table3"].runs) == 7 * 5


def test_those_worth_measuring_come_with_most_work_first_and_one_of_a_kind(plan):
    costs = run_costs(plan, {})
    chosen = worth_measuring(costs, 5)
    total = {}
    for cost in costs.values():
        total[cost.key] = total.get(cost.key, 0) + cost.work
    assert [total[costs[name].key] for name in chosen] == sorted(total.values(), reverse=True)[:5]


def test_what_was_measured_is_kept_for_its_device(tmp_path):
    known = {"k": Known("resnet50", 0.25, 7.0)}
    write_known(tmp_path / "costs", "NVIDIA H200 / 141 GB", known)
    assert read_known(tmp_path / "costs", "NVIDIA H200 / 141 GB") == known
    assert read_known(tmp_path / "costs", "cpu") == {}
    next((tmp_path / "costs").glob("*.json")).write_text("[]")
    assert read_known(tmp_path / "costs", "NVIDIA H200 / 141 GB") == {}


def test_finished_runs_of_the_device_tell_their_steps(tmp_path, trained):
    run = json.loads((trained / "run.json").read_text())
    config = json.loads((trained / "config.json").read_text())
    for name, seconds, device in (("a", 3.0, "cpu"), ("b", 9.0, "cpu"), ("c", 99.0, "other")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "run.json").write_text(json.dumps(run | {"seconds": seconds, "steps": 6, "device": device}))
        (folder / "config.json").write_text(json.dumps(config))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/run.json").write_text("{")
    (found,) = known_from_runs(tmp_path, "cpu").values()
    assert (found.backbone, found.seconds) == ("resnet50", 1.0)  # the median of 0.5 and 1.5
