"""Runs as their training leaves them, and what MLflow shows of them."""

import json

CONFIG = {
    "dataset": "veri776",
    "data": "veri776-0a0a0a0a",
    "code": "c0de",
    "seed": 0,
    "losses": [{"name": "triplet", "margin": 0.3}, {"name": "focal", "gamma": 2.0}],
    "schedule": {"milestones": [4, 7], "warmup": None},
}


def start(time=100.0, resumed=0):
    return {
        "type": "start",
        "time": time,
        "run": "r",
        "config": CONFIG,
        "device": "cpu",
        "resumed": resumed,
    }


def metrics(epoch, loss, time=101.0):
    return {"type": "metrics", "time": time, "epoch": epoch, "step": 5 * epoch, "values": {"loss": loss}}


def end(status="FINISHED", error=None, time=110.0):
    return {"type": "end", "time": time, "status": status, "error": error}


def record(runs, name, *events):
    """Append events to a run's events.jsonl, as its training does."""
    (runs / name).mkdir(exist_ok=True)
    with (runs / name / "events.jsonl").open("a") as file:
        file.writelines(json.dumps(event) + "\n" for event in events)
    return runs / name


def evaluate(run, mean_ap, folder="eval-00000000", protocols=("veri776",)):
    results = {"mAP": mean_ap, "cmc": [0.5, 0.6, 0.7, 0.8, 0.9]}
    (run / folder).mkdir()
    content = {"protocols": dict.fromkeys(protocols, results)}
    (run / folder / "evaluation.json").write_text(json.dumps(content))


def finished(runs, name, *, epochs=3, time=100.0):
    """A run that was trained and evaluated."""
    runs.mkdir(parents=True, exist_ok=True)
    run = record(runs, name, start(time), *(metrics(n, 1 / n, time + n) for n in range(1, epochs + 1)))
    record(runs, name, end(time=time + epochs + 1))
    (run / "model.safetensors").write_bytes(name.encode())
    evaluate(run, 0.5)
    return run


def listed(client, paper):
    """The paper's runs that are not in MLflow's bin."""
    experiment = client.get_experiment_by_name(paper)
    return list(client.search_runs([experiment.experiment_id]))


def series(client, run, key):
    return [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, key)]
