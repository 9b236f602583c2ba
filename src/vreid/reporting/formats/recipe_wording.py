"""The sentences on how our recipe differs from the paper's, the same in every form; plain text."""

from collections.abc import Collection, Iterator, Sequence

from vreid.params.plan import DeparturesPlan
from vreid.reporting.formats.wording import heads
from vreid.reporting.records import Table

PRINTED = "Recipe: the paper's."
BESIDE = "Recipe: the paper's, but for some of the rows or columns."


def of_table(table: Table) -> list[str]:
    """Return one sentence on what all of a table's runs share, and one for each part of it that has more.

    None where nothing of the table is run: then there is no recipe.
    """
    if table.left_out():
        return []
    if not table.recipe:
        return [BESIDE if table.recipe_in else PRINTED, *of_parts(table)]
    return [differing(table.recipe), *of_parts(table)]


def differing(lines: Sequence[str]) -> str:
    """Say in what our recipe differs."""
    return f"Differs from the paper's recipe, or is read into it, in {'; '.join(lines)}."


def of_parts(table: Table) -> Iterator[str]:
    """Yield what is to be said of some of a table's rows or columns alone."""
    for part in table.recipe_in:
        yield f"In {_where(part, heads(table))} also in {'; '.join(part.lines)}."


def _where(part: DeparturesPlan, names: Sequence[str]) -> str:
    sides = []
    if part.rows:
        sides.append(f"row{'s' * (len(part.rows) > 1)} {numbers_named(part.rows)}")
    if part.columns:
        columns = list(columns_named({number - 1 for number in part.columns}, names))
        sides.append(f"column{'s' * (len(part.columns) > 1)} {listed(columns)}")
    return ", ".join(sides)


def numbers_named(numbers: Sequence[int]) -> str:
    """Return numbers in words, three and more in a line by their ends: `1, 3 to 5 and 7`."""
    lines: list[list[int]] = []
    for number in numbers:
        if lines and number == lines[-1][-1] + 1:
            lines[-1].append(number)
        else:
            lines.append([number])
    return listed(
        [
            said
            for line in lines
            for said in ([f"{line[0]} to {line[-1]}"] if len(line) > 2 else map(str, line))
        ]
    )


def columns_named(chosen: Collection[int], names: Sequence[str]) -> Iterator[str]:
    """Yield names of columns; of those that begin alike, if all are chosen, that beginning: `ResNet50 …`."""
    words = [name.split() for name in names]
    said: set[int] = set()
    for index in sorted(chosen):
        if index in said:
            continue
        for length in range(1, len(words[index]) + 1):
            alike = {other for other, own in enumerate(words) if own[:length] == words[index][:length]}
            if alike <= set(chosen):
                break
        else:
            alike = {index}
        said |= alike
        yield f"{' '.join(words[index][:length])} …" if len(alike) > 1 else names[index]


def listed(parts: Sequence[str]) -> str:
    """Return parts in words: `a, b and c`."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))
