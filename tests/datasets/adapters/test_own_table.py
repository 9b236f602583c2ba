import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.datasets import trees

from vreid.datasets.own import check_table, has_cameras, table_spec
from vreid.datasets.verify import verify_dataset
from vreid.params.errors import UserError

GOOD = """path,pid,camid,split
photos/a.jpg,7,1,train
photos/b.jpg,7,2,train
photos/c.jpg,9,1,query
photos/d.jpg,9,2,gallery
"""


def table(root, text=GOOD, name="table.csv"):
    images = {f"photos/{letter}.jpg": number for number, letter in enumerate("abcdef")}
    return trees.write(root, {**images, name: text}) / name


def scan(path):
    from vreid.datasets.catalogue import scan_dataset

    return scan_dataset(table_spec(path), path.parent)


def test_a_table_becomes_a_dataset(tmp_path):
    path = table(tmp_path)
    found = scan(path)
    assert [(r.path, r.pid, r.camid, r.split, r.where) for r in found.records] == [
        ("photos/a.jpg", 7, 1, "train", "table.csv, line 2"),
        ("photos/b.jpg", 7, 2, "train", "table.csv, line 3"),
        ("photos/c.jpg", 9, 1, "query", "table.csv, line 4"),
        ("photos/d.jpg", 9, 2, "gallery", "table.csv, line 5"),
    ]
    assert check_table(path) == []
    report = verify_dataset(table_spec(path), tmp_path, tmp_path / "o/i.parquet", tmp_path / "o/i.json")
    assert report.measured["images"] == 4
    assert [p.junk for p in table_spec(path).protocols] == ["same_camera"]


def test_parquet_with_other_columns_and_another_order(tmp_path):
    rows = {
        "note": ["x", None, "y", "z"],
        "split": ["train", "train", "query", "gallery"],
        "camid": [1.0, 2.0, 1.0, 2.0],
    }
    rows |= {"pid": [7, 7, 9, 9], "path": [f"photos/{letter}.jpg" for letter in "abcd"]}
    path = table(tmp_path)
    pq.write_table(pa.table(rows), tmp_path / "table.parquet")
    same = scan(tmp_path / "table.parquet")
    assert [(r.path, r.pid, r.camid, r.split) for r in same.records] == [
        (r.path, r.pid, r.camid, r.split) for r in scan(path).records
    ]
    assert same.records[0].where == "table.parquet, row 1"


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace(",camid", "").replace(",1,", ",").replace(",2,", ","),
        GOOD.replace(",1,", ",,").replace(",2,", ",,"),
    ],
)
def test_without_cameras_nothing_is_junk(tmp_path, text):
    path = table(tmp_path, text)
    assert not has_cameras(path)
    assert [p.junk for p in table_spec(path).protocols] == ["none"]
    assert {r.camid for r in scan(path).records} == {-1}
    assert any("no camera is known" in remark for remark in check_table(path))


def test_names_are_sorted_and_numbered_and_it_is_said(tmp_path):
    path = table(tmp_path, GOOD.replace(",7,", ",tiger,").replace(",9,", ",lion,"))
    found = scan(path)
    assert [r.pid for r in found.records] == [1, 1, 0, 0]
    assert found.identities == {0: "lion", 1: "tiger"}
    assert (
        "The identities are names; sorted, they got the numbers from 0: 'lion' is 0, 'tiger' is 1."
        in found.remarks
    )


def test_lines_are_put_into_the_order_of_the_splits(tmp_path):
    lines = GOOD.splitlines()
    path = table(tmp_path, "\n".join([lines[0], *reversed(lines[1:])]))
    assert [r.path[-5] for r in scan(path).records] == ["b", "a", "c", "d"]


LINE = "photos/e.jpg,9,3,gallery\n"


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        (GOOD.replace("pid", "pids"), [r"table.csv, line 1: the column `pid` is missing; is `pids` meant\?"]),
        (
            GOOD.replace("split", "zzz"),
            ["the column `split` is missing; it has `path`, `pid`, `camid`, `zzz`"],
        ),
        (GOOD.replace(",", ";"), ["separated by semicolons"]),
        (GOOD.replace("camid", "pid"), ["the column `pid` stands there twice"]),
        ("", ["line 1: the column `path` is missing"]),
        ("path,pid,camid,split\n\n", ["has no line below its header"]),
        (
            GOOD.replace("d.jpg", "gone.jpg"),
            [r"table.csv, line 5 \('photos/gone.jpg'\): there is no such file"],
        ),
        (
            GOOD.replace("query", "probe"),
            [r"table.csv, line 4 \('probe'\): the split is not one of train, query, gallery"],
        ),
        (
            GOOD.replace("c.jpg,9", "c.jpg,nine"),
            [r"line 4 \('nine'\): the pid is no whole number.*3 other lines"],
        ),
        (GOOD.replace("c.jpg,9,1", "c.jpg,9,-1"), [r"line 4 \('-1'\): the camid is no whole number"]),
        (GOOD.replace("c.jpg,9,1", "c.jpg,,1"), [r"line 4 \(''\): the column pid is empty"]),
        (GOOD.replace("c.jpg,9,1", "c.jpg,9,"), [r"line 4 \(''\): the column camid is empty"]),
        (GOOD.replace("photos/c.jpg", ""), [r"line 4 \(''\): the path is empty"]),
        (GOOD + "photos/e,f.jpg,9,2,gallery\n", ["line 6: 5 values for 4 columns; a comma inside a path"]),
        (GOOD + '"photos/e.jpg,9,2,gallery\n', ["this is no valid CSV"]),
        (
            GOOD + "photos/c.jpg,8,2,gallery\n",
            ["line 6: photos/c.jpg has another identity here than in table.csv, line 4"],
        ),
        (GOOD.replace("train", "gallery"), ["No image has the split `train`"]),
        (GOOD.replace("b.jpg,7", "b.jpg,8"), ["Every training identity has a single image"]),
        (
            GOOD.replace("d.jpg,9,2", "d.jpg,9,1"),
            [
                "1 of 1 queries have no match",
                "table.csv, line 4",
                "lost all their 1 matches to the junk rule `same_camera`",
            ],
        ),
        (
            GOOD + "photos/e.jpg,5,1,query\n",
            [
                "1 of 2 queries have no match",
                "table.csv, line 6",
                "an identity that the gallery does not have",
            ],
        ),
        (
            GOOD.replace(",1,", ",3,").replace(",2,", ",3,"),
            [r"All images are of one camera \(3\).*`junk: none`"],
        ),
        (GOOD.replace("query", "gallery"), ["has no query image"]),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, text, sentences):
    for sentence in sentences:
        with pytest.raises(UserError, match=f"(?s){sentence}"):
            check_table(table(tmp_path, text))


def test_a_missing_table_and_one_that_is_no_text(tmp_path):
    with pytest.raises(
        UserError, match=r"nothing.csv is missing; it should be a table with the columns path, pid"
    ):
        check_table(tmp_path / "nothing.csv")
    for name in ("binary.csv", "binary.parquet"):
        (tmp_path / name).write_bytes(b"\xff\x00\xfe")
        with pytest.raises(UserError, match=f"{name} cannot be read as a table"):
            check_table(tmp_path / name)


def test_an_unreadable_image_is_named_with_its_line(tmp_path):
    path = table(tmp_path)
    (tmp_path / "photos/b.jpg").write_bytes(b"x")
    with pytest.raises(UserError, match=r"table.csv, line 3: photos/b.jpg: it is no image of a known kind"):
        verify_dataset(table_spec(path), tmp_path, tmp_path / "o/i.parquet", tmp_path / "o/i.json")


def test_what_works_but_deserves_a_look(tmp_path):
    text = GOOD.replace(",camid", "").replace(",1,", ",").replace(",2,", ",")
    text += "photos/c.jpg,9,gallery\nphotos/e.jpg,3,train\nphotos/a.jpg,7,train\n"
    remarks = " ".join(check_table(table(tmp_path, text)))
    assert "1 of 2 training identities have a single image (3)" in remarks
    assert "1 queries are in the gallery themselves" in remarks and "table.csv, line 4" in remarks
    assert scan(tmp_path / "table.csv").repeated == ["table.csv, line 8 (photos/a.jpg)"]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(max_size=60), st.integers(0, len(GOOD)))
def test_any_text_is_a_table_or_a_sentence(tmp_path, garbage, place):
    path = table(tmp_path)
    path.write_bytes((GOOD[:place] + garbage + GOOD[place:]).encode("utf-8", "surrogatepass"))
    try:
        check_table(path)
    except UserError as error:
        assert str(error).endswith((".", "?"))


def test_one_number_in_two_forms_is_refused(tmp_path):
    text = GOOD.replace("a.jpg,7", "a.jpg,07")
    with pytest.raises(
        UserError, match=r"line 3: the pid '7' is the number '07' of table.csv, line 2 in another"
    ):
        scan(table(tmp_path, text))
    padded = GOOD.replace(",7,", ",007,").replace(",9,", ",010,")
    assert [record.pid for record in scan(table(tmp_path, padded)).records] == [7, 7, 10, 10]


@pytest.mark.parametrize(("kind", "limit"), [(np.float32, 2**24), (np.float64, 2**53)])
def test_identities_that_were_rounded_to_floats_are_refused(tmp_path, kind, limit):
    table(tmp_path)
    rows = {
        "path": [f"photos/{letter}.jpg" for letter in "abcd"],
        "split": ["train", "train", "query", "gallery"],
    }
    for pid, fits in ((limit - 1, True), (limit, False)):
        pq.write_table(
            pa.table({**rows, "pid": np.array([1, 1, pid, pid], kind)}), tmp_path / "table.parquet"
        )
        if fits:
            assert [record.pid for record in scan(tmp_path / "table.parquet").records] == [1, 1, pid, pid]
            continue
        with pytest.raises(
            UserError, match=rf"row 3: the pid {limit} is a {np.dtype(kind)}, .* from {limit} on"
        ):
            scan(tmp_path / "table.parquet")
