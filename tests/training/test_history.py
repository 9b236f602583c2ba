import pyarrow as pa
import pyarrow.parquet as pq

from vreid.training.history import write_history

LINES = [
    {"epoch": 1, "step": 7, "lr": 0.1, "loss": 2.5, "accuracy": 0.25},
    {"epoch": 2, "step": 14, "lr": 0.01, "loss": 1 / 3, "accuracy": 1.0},
]


def test_lines_come_back_as_they_were(tmp_path):
    write_history(tmp_path / "history.parquet", LINES)
    table = pq.read_table(tmp_path / "history.parquet")
    assert table.to_pylist() == LINES
    assert table.schema.field("step").type == pa.int64()
    assert table.schema.field("loss").type == pa.float64()


def test_the_same_lines_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        write_history(tmp_path / name, LINES)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
