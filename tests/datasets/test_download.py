import hashlib
import http.server
import threading

import pytest

from vreid.datasets import download
from vreid.datasets.download import fetch
from vreid.params.errors import UserError

CONTENT = bytes(range(256)) * 400
SHA256 = "sha256:" + hashlib.sha256(CONTENT).hexdigest()
MD5 = "md5:" + hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT with ranges; what it does wrong is set by the test on the server."""

    def do_GET(self):
        server = self.server
        asked = self.headers.get("Range")
        server.asked.append(asked)
        if server.status != 200:
            self.send_error(server.status)
            return
        fresh = self.headers.get("If-Range") in (None, server.tag)
        start = int(asked[6:-1]) if asked and server.ranges and fresh else 0
        if start and start >= len(server.content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(server.content)}")
            self.end_headers()
            return
        body = server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Type", server.kind)
        self.send_header("ETag", server.tag)
        if server.says_length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut = server.cuts.pop(0) if server.cuts else len(body)
        self.wfile.write(body[:cut])

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(download, "PAUSE", 0)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.cuts = [], []
    server.status, server.ranges, server.says_length = 200, True, True
    server.content, server.tag, server.kind = CONTENT, '"one"', "application/zip"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    server.url = f"http://127.0.0.1:{server.server_port}/data.zip"
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("digest", [SHA256, MD5, None])
def test_a_file_is_fetched_whole_and_once(server, tmp_path, digest):
    out, seen = tmp_path / "new" / "data.zip", []
    fetch(server.url, out, digest, progress=lambda done, total: seen.append((done, total)))
    fetch(server.url, out, digest)
    assert out.read_bytes() == CONTENT and server.asked == [None]
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [path.name for path in out.parent.iterdir()] == ["data.zip"]


def test_a_broken_connection_is_taken_up_where_it_broke(server, tmp_path):
    server.cuts = [30_000, 50_000]
    fetch(server.url, tmp_path / "data.zip", SHA256)
    assert server.asked == [None, "bytes=30000-", "bytes=80000-"]


def test_an_interrupted_call_is_continued_by_the_next(server, tmp_path):
    server.cuts = [30_000]

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(server.url, tmp_path / "data.zip", SHA256, progress=stop)
    there = (tmp_path / "data.zip.part").stat().st_size
    assert there > 0 and not (tmp_path / "data.zip").exists()
    fetch(server.url, tmp_path / "data.zip", SHA256)
    assert server.asked == [None, f"bytes={there}-"]
    assert (tmp_path / "data.zip").read_bytes() == CONTENT


def test_a_server_without_ranges_sends_everything_again(server, tmp_path):
    server.cuts, server.ranges = [30_000], False
    fetch(server.url, tmp_path / "data.zip", SHA256)
    assert (tmp_path / "data.zip").read_bytes() == CONTENT


def test_a_file_that_changed_meanwhile_is_not_mixed_with_the_old(server, tmp_path):
    (tmp_path / "data.zip.part").write_bytes(b"old" * 100)
    (tmp_path / "data.zip.part.tag").write_text('"zero"')
    fetch(server.url, tmp_path / "data.zip", None)
    assert (tmp_path / "data.zip").read_bytes() == CONTENT


def test_what_is_already_whole_is_not_fetched_again(server, tmp_path):
    (tmp_path / "data.zip.part").write_bytes(CONTENT)
    fetch(server.url, tmp_path / "data.zip", SHA256)
    assert server.asked == [f"bytes={len(CONTENT)}-"]
    (tmp_path / "b.zip.part").write_bytes(CONTENT + b"more")
    fetch(server.url, tmp_path / "b.zip", SHA256)
    assert (tmp_path / "b.zip").read_bytes() == CONTENT


def test_a_wrong_digest_is_refused_and_the_file_put_aside(server, tmp_path):
    server.content = b"something else"
    with pytest.raises(
        UserError, match=r"has the sha256 digest .* instead of .* put aside as data.zip.rejected"
    ):
        fetch(server.url, tmp_path / "data.zip", SHA256)
    assert [path.name for path in tmp_path.iterdir()] == ["data.zip.rejected"]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"status": 404}, "the server answers 404"),
        (
            {"kind": "text/html; charset=utf-8"},
            r"answers with a web page .* save it as .*data.zip, and call this",
        ),
        ({"cuts": [10_000, 0, 0]}, r"10,000 bytes are there; the next call goes on"),
    ],
)
def test_what_goes_wrong_is_said(server, tmp_path, settings, sentence):
    for name, value in settings.items():
        setattr(server, name, value)
    with pytest.raises(UserError, match=sentence):
        fetch(server.url, tmp_path / "data.zip", SHA256)


def test_nobody_listens(server, tmp_path):
    with pytest.raises(UserError, match=r"cannot be fetched \(.*refused.*\). 0 bytes are there"):
        fetch("http://127.0.0.1:1/data.zip", tmp_path / "data.zip", None)


def test_a_full_disk_is_noticed_before(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 1000}))
    with pytest.raises(UserError, match=r"needs 0.0 GB more in .*, but only 0.0 GB are free"):
        fetch(server.url, tmp_path / "data.zip", SHA256)
