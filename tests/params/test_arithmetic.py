"""Arithmetic over a paper's tables: expectations reckoned by hand."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vreid.params.arithmetic import check
from vreid.params.errors import UserError
from vreid.params.numbers import Printed
from vreid.params.paper import Column, Row, Table

TABLES = {
    "table2": Table(
        caption="VeRi-776",
        columns=(Column(metric="mAP"), Column(metric="R1", label="Rank@1")),
        rows=(
            Row(label="PAMTRI", cited="[8]", paper=(71.9, 92.9)),
            Row(label="PVEN", cited="[23]", paper=(79.5, None)),
            Row(label="Ours", run="proposed", paper=(75.5, 94.8)),
        ),
    ),
    "table3": Table(
        caption="VehicleID",
        columns=(Column(metric="R1", label="R1 small"), Column(metric="R1", label="R1 large")),
        rows=(Row(label="Ours", run="proposed", paper=(81.3, 76.5)),),
    ),
}
WHERE = "params/papers/p.yaml: inconsistencies.gap"


def checked(expression):
    found = check(expression, TABLES, WHERE)
    return found.value, found.shown


@pytest.mark.parametrize(
    ("expression", "value", "shown"),
    [
        # in binary 75.5 - 71.9 is 3.5999999999999943
        ("table2[3].mAP - table2[1].mAP == 3.6", True, "75.5 - 71.9 [3.6] == 3.6"),
        ("table2[3].mAP == 94.8", False, "75.5 == 94.8"),
        ("table2[3].R1 - table2[1]['Rank@1'] == 1.9", True, "94.8 - 92.9 [1.9] == 1.9"),
        ("table3[1]['R1 small'] > table3[1]['R1 large']", True, "81.3 > 76.5"),
        ("abs(table2[1].mAP - table2[3].mAP) < 3", False, "abs(71.9 - 75.5) [3.6] < 3"),
        ("max(table2[1].mAP, 80, 3) >= 80", True, "max(71.9, 80, 3) [80] >= 80"),
        ("min(1, 2) != 1", False, "min(1, 2) [1] != 1"),
        ("512 * (1 + 2 * 2) == 2560", True, "512 * (1 + 2 * 2) [2560] == 2560"),
        ("(9792 + 6489) + 1235 == 17516", True, "9792 + 6489 + 1235 [17516] == 17516"),
        ("9 - (2 - 1) * (3 - 1) / (2 * 2) > 8", True, "9 - (2 - 1) * (3 - 1) / (2 * 2) [8.5] > 8"),
        ("9 - (2 + 1) == 6", True, "9 - (2 + 1) [6] == 6"),
        ("-(2 + 1) < 0", True, "-(2 + 1) [-3] < 0"),
        ("-1 / 3 < 0", True, "-1 / 3 [-0.3333] < 0"),
        ("1 <= 2 <= 1.50", False, "1 <= 2 <= 1.5"),
        ("1 > 2 or 2 > 1 and 3 > 2", True, "1 > 2 or (2 > 1 and 3 > 2)"),
        ("1 > 2 and 2 > 1", False, "1 > 2 and 2 > 1"),
        ("1 / 100000 > 0", True, "1 / 100000 [0.0000] > 0"),
    ],
)
def test_checks_come_out_as_by_hand(expression, value, shown):
    assert checked(expression) == (value, shown)


@given(*[st.decimals(min_value=-100, max_value=100, places=2)] * 3)
def test_decimals_add_up_as_on_paper(a, b, c):
    assert checked(f"{a} - {b} + {c} == {a - b + c}")[0]


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("table4[1].mAP > 1", r"the paper has no table4 \(did you mean `table[23]`\?\)"),
        ("table2[4].mAP > 1", "table2 has the rows 1 to 3, none called 4"),
        ("table2[0].mAP > 1", "table2 has the rows 1 to 3, none called 0"),
        ("table2[True].mAP > 1", "table2 has the rows 1 to 3, none called True"),
        ("table2[-1].mAP > 1", "table2 has the rows 1 to 3, none called '-1'"),
        ("table2[1].mIP > 1", r"table2 has no column 'mIP' \(did you mean `mAP`\?\)"),
        ("table2[2].R1 > 1", "the paper prints no R1 in row 2 of table2"),
        ("table3[1].R1 > 1", "more than one column of table3 is R1; give them labels"),
        ("table2.mAP > 1", "`table2.mAP` names no cell; a cell is written table2"),
        ("table2 > 1", "`table2` is neither a number nor a cell"),
        ("table2[1].mAP - 1", "nothing that is true or false; compare it"),
        ("1 < 2 < 'a'", "'a' is no number"),
        ("True == 1", "True is no number"),
        ("1j == 1", "1j is no number"),
        ("1e999 > 1", "is no finite number"),
        ("1 / (2 - 2) > 1", "divides by zero"),
        ("2 ** 9 > 1", "is neither a number nor a cell"),
        ("1 in 2", "compares in a way that is not known"),
        ("1 <", "is no arithmetic: invalid syntax"),
        ("", "is no arithmetic"),
        ("abs(1, 2) > 1", "too few or too many arguments"),
        ("min() > 1", "too few or too many arguments"),
        ("max(*[1]) > 1", "is neither a number nor a cell"),
        ("sum(1, 2) > 1", "`sum` is no function here; there are min, max, abs"),
        ("table2[1].__class__.__name__ == 1", "names no cell"),
        ("__import__('os').system('true') == 0", "is no function here"),
        ("(lambda: 1)() > 0", "is no function here"),
        ("[1][0] > 0", "names no cell"),
        ("(1 if 1 > 0 else 2) > 0", "is neither a number nor a cell"),
        ("1 > 0\x00", "is no arithmetic"),
        ("(" * 5000 + "1" + ")" * 5000 + " > 0", "is no arithmetic"),
        ("-" * 5000 + "1 > 0", "is no arithmetic"),
    ],
)
def test_what_is_no_such_check_is_one_sentence(expression, words):
    with pytest.raises(UserError, match=words) as raised:
        checked(expression)
    assert str(raised.value).startswith(f"{WHERE}: `")


RATES = {
    "table1": Table(
        caption="VeRi-UAV",
        columns=(Column(metric="mAP"), Column(metric="R1"), Column(metric="R5", label="Rank 5")),
        rows=(
            Row(label="A", run="a", paper=(Printed("79.25"), Printed("95.96"), Printed("98.12"))),
            Row(label="B", run="b", paper=(Printed("80.87"), Printed("96.50"), None)),
        ),
    )
}


@pytest.mark.parametrize(
    ("expression", "value", "shown"),
    [
        # 1,070 of 1,115 queries are 95.964 %, 1,185 and 1,186 of 1,235 are 95.95 and 96.03 %
        ("possible(table1[1].R1, 1115)", True, "possible(95.96, 1115)"),
        ("possible(table1[1].R1, 1235)", False, "possible(95.96, 1235)"),
        ("impossible(table1.R1, table1['Rank 5'], 1235)", True, "impossible(95.96, 96.50, 98.12, 1235)"),
        ("possible(table1.R1, table1[1]['Rank 5'], 1115)", True, "possible(95.96, 96.50, 98.12, 1115)"),
        # 96.5 % is 193 of 200, and 96.50 is printed with its zero; 95.96 is none of 200
        ("impossible(table1.R1, 200)", False, "impossible(95.96, 96.50, 200)"),
        ("possible(table1.R1, 200)", False, "possible(95.96, 96.50, 200)"),
        ("possible(table1[1].R1, 10 * 1235)", True, "possible(95.96, 10 * 1235)"),
        ("impossible(table1[1].R1, 1235) and 1 < 2", True, "impossible(95.96, 1235) and 1 < 2"),
    ],
)
def test_rates_are_tried_against_a_number_of_queries(expression, value, shown):
    found = check(expression, RATES, WHERE)
    assert (found.value, found.shown) == (value, shown)


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("possible(1115)", "needs cells, then the number of queries"),
        ("possible(table1.R1, 0)", "0 is no number of queries"),
        ("possible(table1.R1, 3 / 2)", "is no number of queries"),
        ("possible(table1.mAP, 1115)", "mAP of table1 holds no rates over queries"),
        ("possible(table1[2]['Rank 5'], 1115)", "prints no Rank 5 in row 2"),
        ("possible(95.96, 1115)", "`95.96` is neither a cell nor a column of a table"),
        ("possible(table9.R1, 1115)", "the paper has no table9"),
        ("possible(table1.R7, 1115)", "table1 has no column 'R7'"),
        ("possible(table1[3].R1, 1115)", "table1 has the rows 1 to 2"),
    ],
)
def test_what_cannot_be_tried_is_said(expression, says):
    with pytest.raises(UserError, match=re.escape(says)):
        check(expression, RATES, WHERE)
