import hashlib
import json
import os
import platform
import re
import shutil
import socket
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import pytest
from rocrate.rocrate import ROCrate
from tests.cli.params import PAPER, one_paper
from typer.testing import CliRunner

from vreid.params.errors import UserError
from vreid.params.plan import PagePlan, Plan
from vreid.reporting.crate import pack
from vreid.reporting.crate.pack import write_crate

PROJECT = Path(__file__).parents[2]
FIRST = 1_700_000_000  # 2023-11-14T22:13:20Z
METADATA = "ro-crate-metadata.json"

# Properties that the profiles say MUST be there, by the type that has them:
# https://w3id.org/ro/crate/1.1 (root data entity, metadata file), https://w3id.org/ro/wfrun/process/0.5 and
# https://w3id.org/ro/wfrun/workflow/0.5 (table "Requirements" of each),
# https://about.workflowhub.eu/Workflow-RO-Crate/1.0 (main workflow, its language).
MUST = {
    "Dataset": {"name", "description", "datePublished", "license", "conformsTo", "mainEntity", "hasPart"},
    "ComputationalWorkflow": {"name", "programmingLanguage"},
    "ComputerLanguage": {"name", "url"},
    "CreateAction": {"instrument"},
}
# The same documents' SHOULD, as far as there is something to say: who ran it is not recorded, on purpose.
SHOULD = {
    "CreateAction": {"name", "description", "startTime", "endTime", "object", "result"},
    "SoftwareApplication": {"name", "softwareVersion"},
    "ScholarlyArticle": {"name", "author"},
    "PropertyValue": {"name", "value"},
}
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5",
    "https://w3id.org/ro/wfrun/workflow/0.5",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0",
}


@pytest.fixture(scope="module")
def made(demo: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which everything was made; nobody changes it."""
    root = tmp_path_factory.mktemp("made") / "project"
    one_paper(PROJECT / "params", root / "params")
    shutil.copytree(PROJECT / "workflow", root / "workflow", symlinks=True)
    for name in (
        *("README.md", "LICENSE", "CITATION.cff", "Snakefile"),
        *("requirements.lock", "environment.yml", "pyproject.toml"),
    ):
        shutil.copy(PROJECT / name, root / name)
    for name in [
        *(f"tables/{key}" for key in demo.tables),
        *(f"figures/{key}" for key in demo.figures),
        *(f"claims/{paper}" for paper in demo.claims),
        *(f"audits/{run}/audit" for run in demo.audits),
        *demo.pages,
    ]:
        write(root / f"reports/{name}.json", json.dumps({"digest": demo.report_digest(name)}))
        write(root / f"reports/{name}.md", f"*{name}*\n")
    write(root / f"reports/deviations/{PAPER}.md", "read so\n")
    write(
        root / "reports/tracking.json", json.dumps({"digest": "", "uri": "sqlite:///mlflow.db", "runs": []})
    )
    write(root / "reports/tables/of_another_preset/table1.md", "not this one\n")
    for number, run in enumerate(demo.runs.values()):
        write_run(root / "runs" / run.name, run, FIRST + 100 * number)
    return root


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    """A copy to be changed."""
    shutil.copytree(made, tmp_path / "project", symlinks=True)
    return tmp_path / "project"


@pytest.fixture(scope="module")
def packed(demo: Plan, made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("packed") / "crate.zip"
    write_crate(demo, out, made)
    return out


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def write_run(folder, run, start, *, status="FINISHED"):
    config = run.config.model_dump(mode="json")
    record = {
        "vreid": "0.1.0",
        "git_commit": "a" * 40,
        "python": "3.11.7",
        "torch": "2.11.0+cpu",
        "numpy": "2",
    }
    events = [
        {"type": "start", "time": start, "config": config, "git_commit": "a" * 40, "device": "cpu"},
        {"type": "end", "time": start + 60, "status": status, "error": "it broke in /data/of/somebody"},
    ]
    write(folder / "config.json", json.dumps(config))
    write(folder / "run.json", json.dumps(record))
    write(folder / "events.jsonl", "".join(json.dumps(event) + "\n" for event in events))
    write(folder / "history.parquet", "PAR1")
    write(folder / "model.safetensors", "weights")
    for test in run.tests:
        write(folder / Path(test.evaluation).name / "evaluation.json", '{"protocols": {}}')
        write(folder / Path(test.evaluation).name / "per_query.parquet", "PAR1")


def contents(archive):
    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
        return {name: opened.read(name) for name in opened.namelist()}


def graph(archive):
    entities = json.loads(contents(archive)[METADATA])["@graph"]
    assert len({entity["@id"] for entity in entities}) == len(entities)
    return {entity["@id"]: entity for entity in entities}


def types(entity):
    return {entity["@type"]} if isinstance(entity["@type"], str) else set(entity["@type"])


def ids(value):
    return {item["@id"] for item in (value if isinstance(value, list) else [value])}


def test_the_library_reads_it_back(packed: Path, demo: Plan):
    crate = ROCrate(packed)
    assert "preset demo, synthetic data" in crate.name
    assert "rendered" in crate.description
    assert crate.mainEntity.id == "Snakefile"
    assert crate.mainEntity["programmingLanguage"]["name"] == "Snakemake"
    actions = {action.id: action for action in crate.root_dataset["mentions"]}
    assert len(actions) == len(demo.runs) + 1
    assert actions["#workflow-run"]["instrument"] == crate.mainEntity
    assert all(Path(entity.source).is_file() for entity in crate.data_entities)


def test_what_the_profiles_ask_for_is_there(packed: Path):
    entities = graph(packed)
    for needed in (MUST, SHOULD):
        for kind, properties in needed.items():
            found = [entity for entity in entities.values() if kind in types(entity)]
            assert found, kind
            for entity in found:
                assert properties <= entity.keys(), (entity["@id"], properties - entity.keys())
    assert ids(entities["./"]["conformsTo"]) == PROFILES
    assert ids(entities["./"]["mainEntity"]) == {"Snakefile"}
    assert types(entities["Snakefile"]) == {"File", "SoftwareSourceCode", "ComputationalWorkflow"}
    assert "https://w3id.org/ro/crate/1.1" in ids(entities[METADATA]["conformsTo"])
    assert ids(entities[METADATA]["about"]) == {"./"}


def test_whatever_is_referred_to_is_told(packed: Path):
    entities = graph(packed)
    elsewhere = {"https://doi.org/10.1093/bioinformatics/bts480", "https://snakemake.readthedocs.io"}
    for entity in entities.values():
        for key, value in entity.items():
            named = [v for v in (value if isinstance(value, list) else [value]) if isinstance(v, dict)]
            known = {*entities, "https://w3id.org/ro/crate/1.1", *elsewhere}
            assert ids(named) <= known, (entity["@id"], key)


def test_every_file_is_listed_and_every_listed_file_is_there_as_it_is_on_disk(
    packed: Path, made: Path, demo: Plan
):
    entities, files = graph(packed), contents(packed)
    listed = {unquote(name): entity for name, entity in entities.items() if "File" in types(entity)}
    assert listed.keys() == files.keys() - {METADATA}
    assert {unquote(name) for name in ids(entities["./"]["hasPart"])} == listed.keys()
    for name, entity in listed.items():
        assert entity["contentSize"] == str(len(files[name]))
        assert entity["sha256"] == hashlib.sha256(files[name]).hexdigest()
        if name != "plan.json":
            assert files[name] == (made / name).read_bytes()
    assert Plan.model_validate_json(files["plan.json"]) == demo


def test_it_holds_the_reports_the_parameters_and_the_records_but_no_weights(packed: Path, demo: Plan):
    names = contents(packed).keys()
    run = next(iter(demo.runs.values()))
    kept = {f"runs/{run.name}/{file}" for file in ("config.json", "run.json", "history.parquet")}
    kept |= {test.results for test in run.tests}
    assert {name for name in names if name.startswith(f"runs/{run.name}/")} == kept
    assert {
        *("params/presets/demo.yaml", f"params/papers/{PAPER}.yaml", "params/datasets/veri776.yaml"),
        *("workflow/rules/common.smk", "workflow/report/table.rst", "requirements.lock", "environment.yml"),
        *(f"reports/tables/{PAPER}/table1.json", f"reports/deviations/{PAPER}.md", "reports/tracking.json"),
        *("reports/all_tables.md", f"reports/papers/{PAPER}.md", f"reports/audits/{demo.audits[0]}/audit.md"),
        *("CITATION.cff", "LICENSE", "README.md", "Snakefile", "plan.json"),
    } <= names
    assert not [name for name in names if "of_another_preset" in name]


def test_weights_come_with_it_when_they_are_asked_for(project: Path, demo: Plan, tmp_path: Path):
    write_crate(demo, tmp_path / "crate.zip", project, weights=True)
    files = contents(tmp_path / "crate.zip")
    assert all(files[f"runs/{run}/model.safetensors"] == b"weights" for run in demo.runs)


def test_a_training_names_its_data_parameters_software_and_results(packed: Path, demo: Plan):
    entities = graph(packed)
    run = demo.run(f"{PAPER}-proposed-veri776-s1")
    action = entities[f"#{run.name}"]
    number = list(demo.runs).index(run.name)
    assert action["startTime"] == datetime.fromtimestamp(FIRST + 100 * number, UTC).isoformat()
    assert action["endTime"] == datetime.fromtimestamp(FIRST + 100 * number + 60, UTC).isoformat()
    read = [entities[identifier] for identifier in ids(action["object"])]
    told = {entity["name"]: entity["value"] for entity in read if "PropertyValue" in types(entity)}
    assert told["seed"] == "1"
    assert told["code"] == run.config.code
    assert told["losses.focal.gamma"] == "2.0"  # what the experiments gamma_0, gamma_05, … change
    assert "sampler.ids" not in told  # all runs of the paper agree on it
    (data,) = [entity for entity in read if "CreativeWork" in types(entity)]
    assert data["version"] == demo.dataset("veri776").version
    assert ids(data["isBasedOn"]) == {"params/datasets/veri776.yaml"}
    software = entities[action["instrument"]["@id"]]
    assert (software["name"], software["softwareVersion"], software["identifier"]) == (
        "vreid",
        "0.1.0",
        "a" * 40,
    )
    versions = {
        entities[needed]["name"]: entities[needed]["softwareVersion"]
        for needed in ids(software["softwareRequirements"])
    }
    assert versions == {"python": "3.11.7", "torch": "2.11.0+cpu", "numpy": "2"}
    assert {test.results for test in run.tests} <= ids(action["result"])


def test_the_workflow_ran_from_the_first_training_to_the_last_and_made_the_reports(packed: Path, demo: Plan):
    entities = graph(packed)
    action = entities["#workflow-run"]
    assert action["startTime"] == "2023-11-14T22:13:20+00:00"
    last = FIRST + 100 * (len(demo.runs) - 1) + 60
    assert action["endTime"] == datetime.fromtimestamp(last, UTC).isoformat()
    assert entities["./"]["datePublished"] == action["endTime"][:10]
    assert ids(action["result"]) == {name for name in contents(packed) if name.startswith("reports/")}
    assert {"params/presets/demo.yaml", f"params/papers/{PAPER}.yaml"} <= ids(action["object"])


def test_reports_are_about_their_paper_and_say_what_ours_is(packed: Path):
    entities = graph(packed)
    (paper,) = [entity for entity in entities.values() if "ScholarlyArticle" in types(entity)]
    assert paper["@id"] == "https://doi.org/10.32604/cmc.2021.016560"
    assert entities[paper["author"][0]["@id"]]["name"] == "Xiaorui Zhang"
    assert ids(entities["./"]["about"]) == {paper["@id"]}
    for name, entity in entities.items():
        if name.startswith("reports/") and name != "reports/tracking.json":
            assert ids(entity["about"]) == {paper["@id"]}, name
        if name.startswith("reports/"):
            assert "Ours: synthetic data; preset demo" in entity["description"], name


def test_the_same_files_give_the_same_bytes_whenever_they_are_packed(
    packed: Path, project: Path, demo: Plan, tmp_path: Path
):
    for path in project.rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)
    write_crate(demo, tmp_path / "again.zip", project)
    assert (tmp_path / "again.zip").read_bytes() == packed.read_bytes()


def test_it_names_neither_machine_nor_user_nor_their_folders(
    project: Path, demo: Plan, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr(socket, "gethostname", lambda: "borealis")
    monkeypatch.setattr(platform, "node", lambda: "borealis")
    for name in ("USER", "LOGNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody")
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.chdir(project)
    write_crate(demo, tmp_path / "crate.zip")
    for name, content in contents(tmp_path / "crate.zip").items():
        for word in ("borealis", "somebody", str(tmp_path)):
            assert word.encode() not in content, (name, word)


@pytest.mark.parametrize("folder", ["project", "home"])
def test_a_report_that_quotes_a_folder_of_this_machine_is_not_packed(
    project: Path, demo: Plan, tmp_path: Path, monkeypatch, folder: str
):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    write(project / f"reports/tables/{PAPER}/table1.md", f"No such file: {tmp_path / folder}/data/x.npy\n")
    with pytest.raises(UserError, match=r"table1\.md names .* a folder of this machine"):
        write_crate(demo, tmp_path / "crate.zip", project)
    assert not (tmp_path / "crate.zip").exists()


@pytest.mark.parametrize("uri", ["https://mlflow.example.org", "sqlite:////home/somebody/mlflow.db"])
def test_where_mlflow_listens_is_left_out(project: Path, demo: Plan, tmp_path: Path, uri: str):
    write(project / "reports/tracking.json", json.dumps({"uri": uri, "runs": []}))
    packed = write_crate(demo, tmp_path / "crate.zip", project)
    assert packed.left_out == ("reports/tracking.json is left out: it names where MLflow listens",)
    assert "reports/tracking.json" not in contents(tmp_path / "crate.zip")


@pytest.mark.parametrize("name", ["table1.a\nb.md", "table1.\x1b[2J.md", "table1.C:\\x.md"])
def test_a_name_that_another_system_reads_otherwise_is_refused(
    project: Path, demo: Plan, tmp_path: Path, name: str
):
    write(project / "reports/tables" / PAPER / name, "x")
    with pytest.raises(UserError, match="cannot be packed: rename it"):
        write_crate(demo, tmp_path / "crate.zip", project)


def test_a_plan_that_points_out_of_the_reports_is_refused(project: Path, demo: Plan, tmp_path: Path):
    page = PagePlan(title="x", parts=(), digest="d")
    write(tmp_path / "outside.json", json.dumps({"digest": "d"}))
    hostile = demo.model_copy(update={"pages": {**demo.pages, "../../outside": page}})
    with pytest.raises(UserError, match=r"outside\.json' cannot be packed"):
        write_crate(hostile, tmp_path / "crate.zip", project)


@pytest.mark.parametrize("where", ["reports/tables/se_densenet/table1.md", "params/papers"])
def test_a_link_is_not_followed(project: Path, demo: Plan, tmp_path: Path, where: str):
    shutil.move(project / where, tmp_path / "elsewhere")
    (project / where).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="it is a link, or lies behind one"):
        write_crate(demo, tmp_path / "crate.zip", project)


def test_names_with_spaces_and_umlauts_are_kept(project: Path, demo: Plan, tmp_path: Path):
    name = f"reports/tables/{PAPER}/table1.für alle #1.md"
    write(project / name, "x")
    write_crate(demo, tmp_path / "crate.zip", project)
    assert contents(tmp_path / "crate.zip")[name] == b"x"
    assert (
        unquote(
            ROCrate(tmp_path / "crate.zip")
            .get(name.replace("ü", "%C3%BC").replace(" ", "%20").replace("#", "%23"))
            .id
        )
        == name
    )


def test_a_report_that_is_not_what_the_plan_asks_for_is_not_packed(project: Path, demo: Plan, tmp_path: Path):
    write(project / "reports/claims.json", '{"digest": "of something else"}')
    (project / f"reports/tables/{PAPER}/table2.json").unlink()
    with pytest.raises(
        UserError, match=rf"tables/{PAPER}/table2, claims of .* `make reports PRESET=demo` first"
    ):
        write_crate(demo, tmp_path / "crate.zip", project)


def test_authors_are_those_of_the_citation(project: Path, demo: Plan, tmp_path: Path):
    text = (project / "CITATION.cff").read_text()
    person = "  - given-names: Ada\n    family-names: Vehicle\n"
    write(project / "CITATION.cff", text.replace("authors:\n", f"authors:\n{person}"))
    write_crate(demo, tmp_path / "crate.zip", project)
    entities = graph(tmp_path / "crate.zip")
    told = [(entities[a["@id"]]["@type"], entities[a["@id"]]["name"]) for a in entities["./"]["author"]]
    assert told == [("Person", "Ada Vehicle"), ("Organization", "The vreid authors")]
    write(project / "CITATION.cff", text.replace("license: MIT\n", ""))
    with pytest.raises(UserError, match=r"CITATION\.cff: `license` is missing"):
        write_crate(demo, tmp_path / "crate.zip", project)


def test_a_failed_run_is_told_as_failed_without_its_message(project: Path, demo: Plan, tmp_path: Path):
    run = next(iter(demo.runs.values()))
    shutil.rmtree(project / "runs" / run.name)
    write_run(project / "runs" / run.name, run, FIRST, status="FAILED")
    for file in ("model.safetensors", "run.json"):
        (project / "runs" / run.name / file).unlink()
    shutil.rmtree(project / run.evaluation)
    write_crate(demo, tmp_path / "crate.zip", project)
    action = graph(tmp_path / "crate.zip")[f"#{run.name}"]
    assert action["actionStatus"] == "http://schema.org/FailedActionStatus"
    assert run.tests[0].results not in ids(action["result"])
    assert "somebody" not in json.dumps(action)


def test_an_interrupted_packing_leaves_what_was_there(project: Path, demo: Plan, tmp_path: Path, monkeypatch):
    out = tmp_path / "dist" / "crate.zip"
    write_crate(demo, out, project)
    before = out.read_bytes()
    entry = pack._entry

    def killed(name, size, ended):
        if name == "plan.json":
            raise KeyboardInterrupt
        return entry(name, size, ended)

    monkeypatch.setattr(pack, "_entry", killed)
    with pytest.raises(KeyboardInterrupt):
        write_crate(demo, out, project)
    assert out.read_bytes() == before
    assert list(out.parent.iterdir()) == [out]


def test_a_file_that_changes_meanwhile_is_noticed(project: Path, demo: Plan, tmp_path: Path, monkeypatch):
    describe = pack.describe

    def meanwhile(*arguments):
        write(project / "reports/claims.md", "rewritten\n")
        return describe(*arguments)

    monkeypatch.setattr(pack, "describe", meanwhile)
    with pytest.raises(UserError, match=r"reports/claims\.md changed while it was packed"):
        write_crate(demo, tmp_path / "crate.zip", project)
    assert not (tmp_path / "crate.zip").exists()


def test_the_command_writes_to_dist_and_says_what(project: Path, monkeypatch):
    from vreid.cli.main import app

    monkeypatch.chdir(project)
    result = CliRunner().invoke(app, ["crate", "--preset", "demo"])
    assert result.exit_code == 0, result.output
    assert "dist/vreid-demo.crate.zip" in result.output
    assert METADATA in contents(project / "dist/vreid-demo.crate.zip")
    refused = CliRunner().invoke(app, ["crate", "crate.tar", "--preset", "demo"])
    assert isinstance(refused.exception, UserError)


def test_what_the_documentation_shows_lists_the_trainings(
    packed: Path, demo: Plan, tmp_path: Path, monkeypatch, capsys
):
    (code,) = re.findall(r"```python\n(.*?)```", (PROJECT / "docs/crate.md").read_text(), flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dist").mkdir()
    shutil.copy(packed, tmp_path / "dist/vreid-demo.crate.zip")
    exec(code, {})  # noqa: S102
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == len(demo.runs) + 1
    assert "2023-11-14T22:13:20+00:00 The workflow made the reports of preset demo" in printed
