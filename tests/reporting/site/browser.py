"""Opens a page in a real browser, without a window, and asks what it made of it."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PROBE = Path(__file__).with_name("probe.js")

FRAMES = """<!doctype html><title>frames</title><pre id="found">[]</pre><script>
const found = [];
addEventListener("message", (event) => {{
  found.push(JSON.parse(event.data));
  document.getElementById("found").textContent = JSON.stringify(found);
}});
</script>{frames}"""


def visit(page: Path, folder: Path) -> tuple[str, list[str]]:
    """Return the document after its scripts have run, and what the browser's console said."""
    done = subprocess.run(
        [
            str(CHROMIUM),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            f"--user-data-dir={folder / 'profile'}",
            "--window-size=1400,1000",
            "--enable-logging=stderr",
            "--virtual-time-budget=4000",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def probed(page: Path, folder: Path, widths: tuple[int, ...]) -> tuple[dict[int, dict], list[str]]:
    """Return what probe.js finds in a page that is so many pixels wide, and what the console said.

    The page is a copy whose policy allows the probe too.
    """
    script = PROBE.read_text(encoding="utf-8")
    text = page.read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    text, policies = re.subn(r"script-src ", f"script-src &#39;sha256-{digest}&#39; ", text, count=1)
    text, ends = re.subn(r"</body>", lambda _: f"<script>{script}</script></body>", text, count=1)
    assert (policies, ends) == (1, 1)
    (folder / "copy.html").write_text(text, encoding="utf-8")
    frames = "".join(f'<iframe src="copy.html" width="{width}" height="900"></iframe>' for width in widths)
    (folder / "frames.html").write_text(FRAMES.format(frames=frames), encoding="utf-8")
    document, console = visit(folder / "frames.html", folder)
    found = json.loads(unescape(re.search(r'<pre id="found">(.*?)</pre>', document, re.DOTALL)[1]))
    return {one["width"]: one for one in found}, console
