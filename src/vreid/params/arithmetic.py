"""Arithmetic over the numbers of a paper's tables: how a contradiction that was found is checked again.

`table2[12].mAP - table2[9].mAP == 3.6` reads two cells, each table's rows counted from 1, a column named by
its label or, where only one column has it, by its metric; `table3[11]['R1 small']` names a column that is no
word. There are + - * /, the comparisons, `and`, `or`, min, max and abs. Numbers are exact fractions:
75.5 - 71.9 is 3.6.

`possible(table3[1].R1, table3.R5, 1115)` is true if 1,115 queries can have all of these rates, rounded as
the table prints them (`vreid.params.grim`); `impossible` if they can have none of them. `table3.R5` is all
that the column prints. The last number is that of the queries; for a mean over draws, draws times queries.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from vreid.params.errors import UserError
from vreid.params.grim import Rate, impossible
from vreid.params.paper import Table
from vreid.params.read import suggest

DECIMALS = 4
"""Decimals that are shown of a number that has more."""

ARITHMETIC: dict[type[ast.operator], tuple[str, Callable[[Fraction, Fraction], Fraction]]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.truediv),
}
COMPARISONS: dict[type[ast.cmpop], tuple[str, Callable[[Fraction, Fraction], bool]]] = {
    ast.Eq: ("==", operator.eq),
    ast.NotEq: ("!=", operator.ne),
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
}
FUNCTIONS: dict[str, Callable[..., Fraction]] = {"min": min, "max": max, "abs": abs}
OF_RATES = ("possible", "impossible")


@dataclass(frozen=True)
class Checked:
    """What a check comes out as; `shown` is the check with the numbers filled in.

    Beside what was reckoned stands its result: `75.5 - 71.9 [3.6] == 3.6`.
    """

    value: bool
    shown: str


def check(expression: str, tables: Mapping[str, Table], where: str) -> Checked:
    """Return whether a comparison holds between numbers that the paper prints.

    Args:
        expression: as the module describes.
        tables: the paper's, by name.
        where: file, key and id of the check; opens the sentence of an error.

    Raises:
        UserError: the expression is no such arithmetic, names a cell that is not there or empty, divides by
            zero, or is a number and not true or false.
    """
    place = f"{where}: `{expression}`"
    try:
        body = ast.parse(expression.strip(), mode="eval").body
        holds, shown = _Reckoner(tables, place).truth(body)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else "it is too long or holds what is no text"
        raise UserError(f"{place} is no arithmetic: {reason}.") from None
    return Checked(holds, shown)


class _Reckoner:
    """Walks an expression; each step returns its value and how it is shown."""

    def __init__(self, tables: Mapping[str, Table], place: str) -> None:
        self.tables = tables
        self.place = place

    def truth(self, node: ast.expr) -> tuple[bool, str]:
        if isinstance(node, ast.BoolOp):
            parts = [self.truth(part) for part in node.values]
            word, combine = ("and", all) if isinstance(node.op, ast.And) else ("or", any)
            texts = (
                f"({text})" if isinstance(part, ast.BoolOp) else text
                for part, (_, text) in zip(node.values, parts, strict=True)
            )
            return combine(value for value, _ in parts), f" {word} ".join(texts)
        if isinstance(node, ast.Compare):
            return self._comparison(node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in OF_RATES:
            return self._rates(node, node.func.id)
        raise UserError(f"{self.place}: `{ast.unparse(node)}` is nothing that is true or false; compare it.")

    def _rates(self, node: ast.Call, name: str) -> tuple[bool, str]:
        """Return whether so many queries can have all of some rates (`possible`), or none (`impossible`)."""
        if len(node.args) < 2 or node.keywords:
            raise UserError(f"{self.place}: `{ast.unparse(node)}` needs cells, then the number of queries.")
        queries, text = self.number(node.args[-1])
        if queries.denominator != 1 or queries < 1:
            raise UserError(f"{self.place}: {text} is no number of queries.")
        rates = [rate for cell in node.args[:-1] for rate in self._printed_rates(cell)]
        wrong = impossible(rates, int(queries))
        return len(wrong) == (len(rates) if name == "impossible" else 0), (
            f"{name}({', '.join(map(str, [*rates, text]))})"
        )

    def _printed_rates(self, node: ast.expr) -> list[Rate]:
        """Return the rate of a cell, or all of a column."""
        rows = None
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name, column = node.value.id, node.attr
        elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            name, column = node.value.id, _constant(node.slice)
        elif isinstance(node, ast.Attribute | ast.Subscript):
            self._cell(node)
            name, row, column = self._place(node)
            rows = [row - 1]
        else:
            raise UserError(f"{self.place}: `{ast.unparse(node)}` is neither a cell nor a column of a table.")
        table = self._table(name)
        position = self._position(name, column)
        found = [table.rate(row, position) for row in rows or range(len(table.rows))]
        rates = [rate for rate in found if rate is not None]
        if not rates:
            raise UserError(f"{self.place}: {column} of {name} holds no rates over queries.")
        return rates

    def _comparison(self, node: ast.Compare) -> tuple[bool, str]:
        sides = [node.left, *node.comparators]
        numbers = [self.number(side) for side in sides]
        shown = [_with_result(side, *number) for side, number in zip(sides, numbers, strict=True)]
        holds = True
        text = shown[0]
        for position, sign in enumerate(node.ops):
            if type(sign) not in COMPARISONS:
                raise UserError(f"{self.place}: `{ast.unparse(node)}` compares in a way that is not known.")
            word, compare = COMPARISONS[type(sign)]
            holds = holds and compare(numbers[position][0], numbers[position + 1][0])
            text += f" {word} {shown[position + 1]}"
        return holds, text

    def number(self, node: ast.expr) -> tuple[Fraction, str]:
        """Return the value of a number, a cell, a sum or a function, and the expression with numbers."""
        if isinstance(node, ast.Constant):
            value = self._literal(node)
            return value, _plain(value)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            value, text = self.number(node.operand)
            return -value, f"-({text})" if isinstance(node.operand, ast.BinOp) else f"-{text}"
        if isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
            return self._operation(node)
        if isinstance(node, ast.Call):
            return self._function(node)
        if isinstance(node, ast.Attribute | ast.Subscript):
            value = self._cell(node)
            return value, _plain(value)
        raise UserError(f"{self.place}: `{ast.unparse(node)}` is neither a number nor a cell of a table.")

    def _operation(self, node: ast.BinOp) -> tuple[Fraction, str]:
        sign, combine = ARITHMETIC[type(node.op)]
        (left, left_text), (right, right_text) = self.number(node.left), self.number(node.right)
        if sign == "/" and right == 0:
            raise UserError(f"{self.place}: `{ast.unparse(node)}` divides by zero.")
        texts = (
            f"({text})" if isinstance(side, ast.BinOp) and _binds_less(side.op, node.op, after) else text
            for side, text, after in ((node.left, left_text, False), (node.right, right_text, True))
        )
        return combine(left, right), f" {sign} ".join(texts)

    def _function(self, node: ast.Call) -> tuple[Fraction, str]:
        name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
        if name not in FUNCTIONS or node.keywords:
            raise UserError(f"{self.place}: `{name}` is no function here; there are {', '.join(FUNCTIONS)}.")
        if not node.args or (name == "abs" and len(node.args) > 1):
            raise UserError(f"{self.place}: `{ast.unparse(node)}` has too few or too many arguments.")
        values = [self.number(argument) for argument in node.args]
        numbers = [value for value, _ in values]
        found = abs(numbers[0]) if name == "abs" else FUNCTIONS[name](numbers)
        return found, f"{name}({', '.join(text for _, text in values)})"

    def _literal(self, node: ast.Constant) -> Fraction:
        if type(node.value) not in (int, float):
            raise UserError(f"{self.place}: {ast.unparse(node)} is no number.")
        try:
            return Fraction(repr(node.value))
        except ValueError:  # written with more digits than a float has room for
            raise UserError(f"{self.place}: {ast.unparse(node)} is no finite number.") from None

    def _cell(self, node: ast.Attribute | ast.Subscript) -> Fraction:
        return self._printed(*self._place(node))

    def _place(self, node: ast.Attribute | ast.Subscript) -> tuple[str, Any, Any]:
        """Return table, row and column of a cell, none of which need be there."""
        column = node.attr if isinstance(node, ast.Attribute) else _constant(node.slice)
        line = node.value
        if not (isinstance(line, ast.Subscript) and isinstance(line.value, ast.Name)):
            raise UserError(
                f"{self.place}: `{ast.unparse(node)}` names no cell; a cell is written table2[12].mAP or "
                "table2[12]['R1 small']."
            )
        return line.value.id, _constant(line.slice), column

    def _table(self, name: str) -> Table:
        if name not in self.tables:
            raise UserError(f"{self.place}: the paper has no {name}{suggest(name, list(self.tables))}.")
        return self.tables[name]

    def _printed(self, name: str, row: Any, column: Any) -> Fraction:
        table = self._table(name)
        if type(row) is not int or not 0 < row <= len(table.rows):
            raise UserError(f"{self.place}: {name} has the rows 1 to {len(table.rows)}, none called {row!r}.")
        value = table.rows[row - 1].paper[self._position(name, column)]
        if value is None:
            raise UserError(f"{self.place}: the paper prints no {column} in row {row} of {name}.")
        return Fraction(repr(value))

    def _position(self, name: str, column: Any) -> int:
        columns = self.tables[name].columns
        labels = [entry.label or entry.metric for entry in columns]
        metrics = [entry.metric for entry in columns]
        for names in (labels, metrics):
            if names.count(column) == 1:
                return names.index(column)
        if column in labels or column in metrics:
            raise UserError(f"{self.place}: more than one column of {name} is {column}; give them labels.")
        near = suggest(str(column), list(dict.fromkeys(labels)))
        raise UserError(f"{self.place}: {name} has no column {column!r}{near}.")


def _with_result(node: ast.expr, value: Fraction, text: str) -> str:
    reckoned = any(isinstance(part, ast.BinOp | ast.Call) for part in ast.walk(node))
    return f"{text} [{_plain(value)}]" if reckoned else text


def _binds_less(inner: ast.operator, outer: ast.operator, after: bool) -> bool:
    """Return whether an operation needs brackets as an operand of another, `after` its sign or before."""
    sums = (ast.Add, ast.Sub)
    inner_is_sum, outer_is_sum = isinstance(inner, sums), isinstance(outer, sums)
    return (inner_is_sum and not outer_is_sum) or (after and inner_is_sum == outer_is_sum)


def _constant(node: ast.expr) -> Any:
    return node.value if isinstance(node, ast.Constant) else ast.unparse(node)


def _plain(value: Fraction) -> str:
    """Return a number with as many decimals as it has, rounded where there are too many."""
    exact = (d for d in range(DECIMALS) if (value * 10**d).denominator == 1)
    decimals = next(exact, DECIMALS)
    digits = str(round(abs(value) * 10**decimals)).rjust(decimals + 1, "0")
    point = len(digits) - decimals
    sign = "-" if value < 0 else ""
    return sign + (f"{digits[:point]}.{digits[point:]}" if decimals else digits)
