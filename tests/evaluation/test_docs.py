import re
from pathlib import Path

import vreid
from vreid.evaluation.protocols import find_protocol

PAGE = Path(vreid.__file__).parents[2] / "docs" / "protocols.md"


def test_the_examples_run(capsys):
    scope = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S):
        exec(block, scope)  # noqa: S102 -- our own page
    printed = capsys.readouterr().out
    assert "mAP 0." in printed
    assert "query's camera" in printed
    assert "Interval(" in printed


def test_the_table_tells_what_the_protocols_do():
    rows = re.findall(r"^\| (`.+?) \| (.+?) \| (.+?) \| (\d+) \|", PAGE.read_text(encoding="utf-8"), re.M)
    junk = {"same identity, same camera": "same_camera", "nothing": "none", "the query itself": "self"}
    names = 0
    for cell, _, rule, trials in rows:
        for name in re.findall(r"`(\w+)`", cell):
            protocol = find_protocol(name.replace("_N", "_800"))
            assert (protocol.junk, protocol.trials) == (junk[rule], int(trials)), name
            names += 1
    assert names == 15
