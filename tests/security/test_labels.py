"""Labels that are commands: what params/ says of a method is printed, whatever it looks like.

Each special character has its own test in tests/reporting/test_formats.py and test_latex.py.
"""

import shutil
import subprocess

import pytest
from markdown_it import MarkdownIt

from vreid.reporting.formats.latex import escape as latex
from vreid.reporting.formats.markdown import escape as markdown

HOSTILE = [
    r"\input{secret}",
    r"\immediate\write18{touch pwned}",
    r"^^5cinput{secret}",
    r"\catcode`\%=0 %input{secret}",
    r"$\input{secret}$ \end{document}",
    "}\\input{secret}{",
    "\\input\n{secret}",
    "%\n\\input{secret}",
    "ﬁ\u202e\u0000\x07",
]


@pytest.mark.skipif(
    shutil.which("pdflatex") is None,
    reason="pdflatex is not installed (Debian: apt-get install texlive-latex-recommended)",
)
def test_latex_prints_commands_and_runs_none(tmp_path):
    (tmp_path / "secret.tex").write_text("a secret")
    lines = "\n\n".join(latex(text) for text in HOSTILE)
    (tmp_path / "page.tex").write_text(
        f"\\documentclass{{article}}\\begin{{document}}{lines}\\end{{document}}", encoding="utf-8"
    )
    command = [
        "pdflatex",
        "-interaction=batchmode",
        "-halt-on-error",
        "-shell-escape",
        "-recorder",
        "page.tex",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, (tmp_path / "page.log").read_text(errors="replace")[-2000:]
    assert "secret" not in (tmp_path / "page.fls").read_text()
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        "[here](javascript:alert(1))",
        "![x](http://example.org/pixel.png)",
        "<javascript:alert(1)>",
        "a\n\n# heading\n\n<b>",
        "| a | b |\n| - | - |",
        r"\<script>",
        "`<b>`",
    ],
)
def test_markdown_shows_markup_and_makes_none(text):
    (paragraph,) = (t for t in MarkdownIt("commonmark").enable("table").parse(markdown(text)) if t.children)
    assert {token.type for token in paragraph.children} <= {"text", "text_special"}
    assert paragraph.children[0].content or paragraph.children[1].content
    shown = "".join(token.content for token in paragraph.children)
    assert shown.split() == text.split()
