"""LaTeX that is compiled, where there is a pdflatex, and looked over where there is none."""

import re
import shutil
import subprocess

import pytest

PDFLATEX = shutil.which("pdflatex")

needs_pdflatex = pytest.mark.skipif(
    PDFLATEX is None,
    reason="pdflatex is not on PATH: install texlive-latex-base and texlive-latex-recommended to compile",
)


def assert_compiles(folder, name):
    """Check that `name`.tex compiles, and that nothing in it is wider or higher than its page."""
    command = [PDFLATEX, "-interaction=nonstopmode", "-halt-on-error", "-draftmode", name]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
    assert "Float too large" not in done.stdout


def assert_balanced(text):
    """Check that environments close in the order in which they open, and braces too."""
    environments = []
    for what, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if what == "begin":
            environments.append(name)
        else:
            assert environments.pop() == name
    assert environments == []
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", text):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    assert depth == 0
