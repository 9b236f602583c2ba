import hashlib
import io
import json
import os
import pickle
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import safetensors.torch
import torch

from vreid.models import weights
from vreid.models.weights import load_rendered, load_weights, starting_weights, without
from vreid.params.errors import UserError
from vreid.params.models.backbone import Backbone

STATE = {"layer.weight": torch.arange(6.0).reshape(2, 3), "layer.bias": torch.zeros(2)}


def saved(value, **options):
    buffer = io.BytesIO()
    torch.save(value, buffer, **options)
    return buffer.getvalue()


def named(content):
    return f"net-{hashlib.sha256(content).hexdigest()[:8]}.pth"


class Site:
    """A web site on the loopback interface that hands out `files` and counts what it is asked."""

    def __init__(self):
        self.files = {}
        self.asked = []
        self.promised_extra = 0
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                site.asked.append(self.path)
                content = site.files.get(self.path.lstrip("/"))
                if content is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(content) + site.promised_extra))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def site():
    site = Site()
    thread = threading.Thread(target=site.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield site
    site.server.shutdown()
    thread.join()
    site.server.server_close()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of torch.hub; no folder of the user's own, no proxy."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.delenv("VREID_WEIGHTS", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "hub" / "checkpoints"


def put(folder, content):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / named(content)
    path.write_bytes(content)
    return path


@pytest.fixture
def nowhere():
    """An address at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"http://127.0.0.1:{port}"


def same(state):
    return list(state) == list(STATE) and all(torch.equal(state[n], STATE[n]) for n in STATE)


@pytest.mark.parametrize("zipped", [True, False])
def test_file_in_the_cache_is_read_without_the_network(cache, nowhere, zipped):
    # torchvision's older files, DenseNet121's among them, are of the kind that is not zipped.
    content = saved(STATE, _use_new_zipfile_serialization=zipped)
    put(cache, content)
    assert same(load_weights(f"{nowhere}/{named(content)}"))


def test_users_folder_goes_before_the_cache(cache, nowhere, tmp_path, monkeypatch):
    content = saved(STATE)
    put(tmp_path / "mine", content)
    put(cache, content).write_bytes(b"damaged, but never looked at")
    monkeypatch.setenv("VREID_WEIGHTS", str(tmp_path / "mine"))
    assert same(load_weights(f"{nowhere}/{named(content)}"))


def test_cache_is_used_when_the_users_folder_lacks_the_file(cache, nowhere, tmp_path, monkeypatch):
    content = saved(STATE)
    put(cache, content)
    monkeypatch.setenv("VREID_WEIGHTS", str(tmp_path / "empty"))
    assert same(load_weights(f"{nowhere}/{named(content)}"))


@pytest.mark.parametrize("own_folder", [True, False])
def test_download_is_kept_and_not_repeated(cache, site, tmp_path, monkeypatch, own_folder):
    if own_folder:
        monkeypatch.setenv("VREID_WEIGHTS", str(tmp_path / "mine"))
    content = saved(STATE)
    site.files[named(content)] = content
    for _ in range(2):
        assert same(load_weights(f"{site.address}/{named(content)}"))
    assert site.asked == [f"/{named(content)}"]
    folder = tmp_path / "mine" if own_folder else cache
    assert [path.name for path in folder.iterdir()] == [named(content)]
    assert (folder / named(content)).read_bytes() == content


def refused(url, **options):
    with pytest.raises(UserError) as caught:
        load_weights(url, **options)
    return str(caught.value)


def says_what_to_do(message, url, folder):
    name = url.rpartition("/")[2]
    digest = name.removeprefix("net-").removesuffix(".pth")
    parts = [url, f"begins with {digest}", str(folder / name), "VREID_WEIGHTS"]
    return all(part in message for part in parts)


def test_no_network(cache, nowhere):
    url = f"{nowhere}/{named(b'any')}"
    assert says_what_to_do(refused(url), url, cache)
    assert not list(cache.glob("*"))


def test_file_is_not_on_the_site(cache, site):
    url = f"{site.address}/{named(b'any')}"
    message = refused(url)
    assert "404" in message and says_what_to_do(message, url, cache)


def test_site_that_does_not_answer(cache):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/{named(b'any')}"
        assert says_what_to_do(refused(url, timeout=0.1), url, cache)


def test_answer_that_is_no_http(cache):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"220 ready when you are\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/{named(b'any')}"
        assert says_what_to_do(refused(url), url, cache)
        thread.join()


@pytest.mark.parametrize("extra", [0, 1000])
def test_damaged_download_leaves_nothing_behind(cache, site, extra):
    content = saved(STATE)
    site.files[named(content)] = content[:-20]
    site.promised_extra = extra
    url = f"{site.address}/{named(content)}"
    assert says_what_to_do(refused(url), url, cache)
    assert list(cache.iterdir()) == []


def test_folder_that_cannot_be_made(cache, site, tmp_path, monkeypatch):
    content = saved(STATE)
    site.files[named(content)] = content
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("VREID_WEIGHTS", str(tmp_path / "file" / "folder"))
    url = f"{site.address}/{named(content)}"
    assert says_what_to_do(refused(url), url, tmp_path / "file" / "folder")


def test_damaged_file_on_disk_is_named_and_kept(cache, nowhere):
    content = saved(STATE)
    path = put(cache, content)
    path.write_bytes(content + b"more")
    message = refused(f"{nowhere}/{named(content)}")
    assert str(path) in message and "should begin with" in message
    assert path.is_file()


class Malicious:
    """A pickle that makes the folder `mark` when it is loaded."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (self.mark,)


@pytest.mark.parametrize("writer", ["zipped", "old", "plain pickle"])
def test_code_in_a_file_is_never_executed(cache, nowhere, tmp_path, writer):
    mark = tmp_path / "executed"
    evil = {**STATE, "x": Malicious(str(mark))}
    if writer == "plain pickle":
        content = pickle.dumps(evil, protocol=2)
    else:
        content = saved(evil, _use_new_zipfile_serialization=writer == "zipped")
    path = put(cache, content)
    assert str(path) in refused(f"{nowhere}/{named(content)}")
    assert not mark.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a file of tensors",
        saved([torch.zeros(1)]),
        saved(STATE)[:300],
        saved({1: torch.zeros(1)}),
        saved({"a": 1}),
        pickle.dumps({"a": 1}, protocol=2),
    ],
    ids=["empty", "text", "list", "cut", "number as name", "number as value", "pickle"],
)
def test_anything_but_named_tensors_is_refused(cache, nowhere, content):
    path = put(cache, content)
    assert f"{path} holds something other" in refused(f"{nowhere}/{named(content)}")


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/net-0123abcd.pth",
        "http://127.0.0.1/net.pth",
        "http://127.0.0.1/net-0123abc.pth",
        "http://127.0.0.1/net-0123abcd.exe",
        "net-0123abcd.pth",
    ],
)
def test_address_without_digest_or_of_another_kind_is_a_mistake(cache, url):
    with pytest.raises(ValueError, match="not an address"):
        load_weights(url)


@pytest.fixture
def shipped(tmp_path):
    """A folder with the rendered weights of a tiny backbone, filters in half precision."""
    content = safetensors.torch.save(
        {"conv.weight": torch.tensor([[0.5, -1.25]]).half(), "bn.num_batches_tracked": torch.tensor(7)}
    )
    path = tmp_path / "resnet50-w0.125.safetensors"
    path.write_bytes(content)
    manifest = {"sha256": hashlib.sha256(content).hexdigest()}
    path.with_suffix(".json").write_text(json.dumps(manifest))
    return tmp_path


def test_rendered_weights_are_float32_and_counters_stay_counters(shipped):
    state = load_rendered("resnet50", 0.125, shipped)
    assert torch.equal(state["conv.weight"], torch.tensor([[0.5, -1.25]]))
    assert state["conv.weight"].dtype == torch.float32
    assert state["bn.num_batches_tracked"].dtype == torch.int64


@pytest.mark.parametrize(
    ("missing", "width"),
    [(None, 0.25), ("resnet50-w0.125.json", 0.125), ("resnet50-w0.125.safetensors", 0.125)],
)
def test_weights_that_were_not_rendered_are_named_with_the_command_that_makes_them(shipped, missing, width):
    if missing:
        (shipped / missing).unlink()
    with pytest.raises(UserError, match=rf"`vreid pretrain resnet50 --width {width} --depth 1` makes it"):
        load_rendered("resnet50", width, shipped)


def test_damaged_rendered_weights_are_refused(shipped):
    path = shipped / "resnet50-w0.125.safetensors"
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(UserError, match="damaged or another file") as caught:
        load_rendered("resnet50", 0.125, shipped)
    assert str(path) in str(caught.value)


def test_starting_weights_are_what_the_configuration_names(cache, monkeypatch):
    content = saved(STATE)
    put(cache, content)
    url = f"https://nowhere.invalid/{named(content)}"
    assert same(starting_weights(Backbone(name="resnet50"), url))
    assert starting_weights(Backbone(name="resnet50", weights=None), url) is None
    asked = []
    monkeypatch.setattr(
        weights, "load_rendered", lambda *given, depth: asked.append((*given, depth)) or STATE
    )
    assert same(starting_weights(Backbone(name="resnet50", width=0.5, depth=0.25, weights="rendered"), url))
    assert asked == [("resnet50", 0.5, 0.25)]


def test_a_cut_off_head_is_left_out_by_its_whole_name():
    state = {"fc.weight": 1, "fc2.weight": 2, "layer.fc.weight": 3, "AuxLogits.fc.bias": 4}
    assert without(state, "fc", "AuxLogits") == {"fc2.weight": 2, "layer.fc.weight": 3}


@pytest.mark.parametrize("shape", [{"width": 0.5}, {"depth": 0.5}])
def test_imagenets_weights_are_for_the_published_shape(shape):
    with pytest.raises(ValueError, match="at its published width and depth alone"):
        Backbone(name="resnet50", **shape)
