import gzip
import hashlib
import io
import json
import lzma
import os
import subprocess
import sys
import tarfile
import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlparse

import pytest

from core.data import registry
from core.data.registry import DataFile, DataSet, FileState, ResumableDownloader
from core.errors import DataError
from core.settings import settings

needs_mirror = pytest.mark.skipif(
    settings().mirror is None, reason="the mirror folder with the data sets' files is not here"
)

BODY = bytes(range(256)) * 4000  # 1,024,000 bytes
ROWS = b"a\tknows\tb\nb\tknows\tc\n"


def sha256(content):
    return hashlib.sha256(content).hexdigest()


class Web:
    """A local server whose answers a test chooses.

    `drops` holds the numbers of body bytes after which the next connections are cut.
    """

    def __init__(self):
        self.files, self.drops, self.ranges, self.statuses = {}, [], [], []
        self.etag = '"v1"'

    @contextmanager
    def running(self):
        web = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self):
                web.ranges.append(self.headers.get("Range"))
                if web.statuses:
                    self.send_error(web.statuses.pop(0))
                    return
                body = web.files.get(self.path)
                if body is None:
                    self.send_error(404)
                    return
                start = 0
                wanted = self.headers.get("Range")
                if wanted and self.headers.get("If-Range") == web.etag:
                    start = int(wanted.removeprefix("bytes=").removesuffix("-"))
                    if start >= len(body):
                        self.send_error(416)
                        return
                self.send_response(206 if start else 200)
                self.send_header("ETag", web.etag)
                self.send_header("Content-Length", str(len(body) - start))
                self.end_headers()
                end = start + web.drops.pop(0) if web.drops else len(body)
                self.wfile.write(body[start:end])

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


@pytest.fixture
def web():
    server = Web()
    with server.running() as address:
        server.address = address
        yield server


@pytest.fixture
def places(tmp_path, monkeypatch):
    """An empty home and an empty mirror."""
    (tmp_path / "mirror").mkdir()
    changed = replace(settings(), home=tmp_path / "home", mirror=tmp_path / "mirror")
    monkeypatch.setattr(registry, "settings", lambda: changed)
    return changed


@pytest.fixture
def serve(monkeypatch, places):
    """Make the registry list exactly one data set with these files, in an empty home."""
    assert not places.home.exists()

    def use(*files, **fields):
        data_set = DataSet("tiny", "Tiny", "CC0", "Nobody 2020", tuple(files), **fields)
        monkeypatch.setattr(registry, "list_sets", lambda: (data_set,))
        return data_set

    return use


def downloader(tmp_path, **options):
    options = {"progress": False, "pause_s": 0.001, **options}
    return ResumableDownloader(tmp_path / "file.part", **options)


# --- the listing


def test_every_file_states_where_it_comes_from_and_how_to_check_it():
    names = [data_set.name for data_set in registry.list_sets()]
    assert len(names) == len(set(names)) == 48
    for data_set in registry.list_sets():
        assert data_set.title
        assert data_set.licence
        assert data_set.citation
        assert data_set.names == "" or data_set.names in names
        for file in data_set.files:
            assert urlparse(file.origin).scheme == "https"
            assert urlparse(file.origin).hostname == "raw.githubusercontent.com"
            assert len(file.sha256) == 64 or len(file.md5) == 32
            assert file.num_rows > 0
            assert bool(file.member) == file.origin.endswith(".tar.gz")
            assert not file.mirror.startswith("/")


def test_published_row_counts():
    rows = {
        data_set.name: tuple(file.num_rows for file in data_set.files)
        for data_set in registry.list_sets()
    }
    assert rows["family"] == (17615, 5868, 2038, 2835)
    assert rows["umls"] == (5216, 652, 661)
    assert rows["umls-drum"] == (4006, 1321, 569, 633)
    assert rows["WN18RR"] == (86835, 3034, 3134)
    assert rows["FB15k-237"] == (272115, 17535, 20466)
    assert rows["NELL-995"] == (112258, 37420, 543, 2818)
    assert rows["YAGO3-10"] == (1079040, 5000, 5000)
    assert rows["nell_v1"] == (4687, 414, 439, 833, 101, 100)


def test_alias_and_unknown_name():
    assert registry.find("umls-conve").name == "umls"
    with pytest.raises(
        DataError, match=r'no data set "umsl"\. Known: sim350, .*, family, umls, umls-drum'
    ):
        registry.find("umsl")


def test_relation_phrases_of_the_listing():
    assert registry.find("umls").relation_phrases["location_of"] == "is the location of"
    assert registry.find("family").relation_phrases == {}


# --- home, package, mirror


def test_mirror_file_compressed_with_xz(places, serve):
    serve(DataFile("a.tsv", "http://127.0.0.1:9/x", mirror="a.tsv.xz", sha256=sha256(ROWS)))
    (places.mirror / "a.tsv.xz").write_bytes(lzma.compress(ROWS))
    assert registry.read("tiny") == {"a.tsv": ROWS}
    assert registry.verify("tiny")[0].state == "ok"


def test_file_made_from_its_origin_is_never_downloaded(web, serve):
    web.files["/x"] = ROWS
    serve(DataFile("a.tsv", f"{web.address}/x", sha256=sha256(ROWS), derived=True))
    with pytest.raises(DataError, match=r"a\.tsv was made from http.* only come from a mirror"):
        registry.get("tiny")
    assert web.ranges == []


def test_get_prefers_home_then_mirror_and_repairs_damage(places, serve):
    serve(DataFile("train.txt", "http://127.0.0.1:9/x", mirror="m/a.gz", sha256=sha256(ROWS)))
    (places.mirror / "m").mkdir()
    (places.mirror / "m" / "a.gz").write_bytes(gzip.compress(ROWS))
    path = places.home / "data" / "tiny" / "train.txt"

    assert registry.verify("tiny") == [FileState("train.txt", path, "missing")]
    assert registry.get("tiny") == places.home / "data" / "tiny"
    assert path.read_bytes() == ROWS
    assert registry.verify("tiny") == [FileState("train.txt", path, "ok")]

    path.write_bytes(ROWS + b"x")
    assert registry.verify("tiny") == [FileState("train.txt", path, "damaged")]
    registry.get("tiny")
    assert path.read_bytes() == ROWS

    (places.mirror / "m" / "a.gz").unlink()
    registry.get("tiny")  # nothing left to fetch: the home copy is whole
    assert registry.read("tiny") == {"train.txt": ROWS}
    assert sorted(p.name for p in path.parent.iterdir()) == [".lock", "train.txt"]


def test_member_of_a_mirrored_archive(places, serve):
    with tarfile.open(places.mirror / "all.tar.xz", "w:xz") as archive:
        for name, content in (("v1/a.txt", b"1\n"), ("v1/b.txt", b"2\n")):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    origin = "http://127.0.0.1:9/x"
    serve(
        *(
            DataFile(f"{n}.txt", origin, mirror="all.tar.xz", mirror_member=f"v1/{n}.txt", sha256=s)
            for n, s in (("a", sha256(b"1\n")), ("b", sha256(b"2\n")))
        )
    )
    assert registry.read("tiny") == {"a.txt": b"1\n", "b.txt": b"2\n"}


@pytest.mark.parametrize("content", [gzip.compress(b"other"), gzip.compress(ROWS)[:-9], b"no gzip"])
def test_damaged_mirror_is_named(places, serve, content):
    serve(DataFile("train.txt", "http://127.0.0.1:9/x", mirror="a.gz", sha256=sha256(ROWS)))
    (places.mirror / "a.gz").write_bytes(content)
    with pytest.raises(DataError, match=r"train\.txt in .*a\.gz.* (damaged|decompressed)"):
        registry.get("tiny")
    assert not (places.home / "data" / "tiny" / "train.txt").exists()


def test_rows_in_another_order_are_accepted_only_where_listed():
    backwards = b"b\tknows\tc\na\tknows\tb\n"
    strict = DataFile("f", "https://x", sha256=sha256(ROWS))
    assert strict.matches(ROWS)
    assert not strict.matches(backwards)
    loose = replace(strict, rows_sha256=sha256(b"a\tknows\tb\nb\tknows\tc"))
    assert loose.matches(backwards)
    assert not loose.matches(b"b\tknows\tc\n")


def test_md5_decides_when_no_sha256_was_published():
    file = DataFile("f", "https://x", md5=hashlib.md5(ROWS).hexdigest())
    assert file.matches(ROWS)
    assert not file.matches(ROWS + b" ")


def test_packaged_set_is_read_in_place_and_imports_nothing(tmp_path):
    code = (
        "import sys; from core.data import registry;"
        "files = registry.read('umls');"
        "print(sorted(files), len(files['train.txt']), {'pykeen', 'torch'} & set(sys.modules))"
    )
    env = {**os.environ, "PARSIMONY_HOME": str(tmp_path), "PARSIMONY_MIRROR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout == "['test.txt', 'train.txt', 'valid.txt'] 260013 set()\n"
    assert list(tmp_path.iterdir()) == []


def test_package_with_other_content_is_not_used(serve, web):
    package = "pykeen/datasets/umls/train.txt"
    serve(DataFile("train.txt", f"{web.address}/x", package=package, sha256=sha256(ROWS)))
    with pytest.raises(DataError, match=r"train\.txt could not be downloaded"):
        registry.read("tiny")


# --- download


def test_get_downloads_archive_members_once(serve, web):
    blob = io.BytesIO()
    with tarfile.open(fileobj=blob, mode="w:gz") as archive:
        for name, content in (("./train.txt", ROWS), ("./test.txt", b"c\tknows\ta\n")):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    web.files["/set.tar.gz"] = blob.getvalue()
    origin = f"{web.address}/set.tar.gz"
    serve(
        DataFile("train.txt", origin, member="train.txt", sha256=sha256(ROWS)),
        DataFile("test.txt", origin, member="test.txt", sha256=sha256(b"c\tknows\ta\n")),
    )
    folder = registry.get("tiny", progress=False)
    assert (folder / "train.txt").read_bytes() == ROWS
    assert (folder / "test.txt").read_bytes() == b"c\tknows\ta\n"
    assert len(web.ranges) == 1
    assert not (folder / ".downloads").exists()


def test_download_with_another_checksum_is_not_kept(serve, web):
    web.files["/train.txt"] = b"something else\n"
    serve(DataFile("train.txt", f"{web.address}/train.txt", sha256=sha256(ROWS)))
    with pytest.raises(DataError, match=r"train\.txt came from http.* with another checksum"):
        registry.get("tiny", progress=False)
    web.files["/train.txt"] = ROWS  # repaired at the origin: the bad download must not be reused
    registry.get("tiny", progress=False)
    assert registry.read("tiny") == {"train.txt": ROWS}


def test_archive_that_is_none_is_fetched_anew(serve, web):
    web.files["/a.tar.gz"] = b"<html>busy</html>"
    serve(DataFile("f", f"{web.address}/a.tar.gz", member="f", sha256=sha256(ROWS)))
    with pytest.raises(DataError, match="cannot be unpacked"):
        registry.get("tiny", progress=False)
    with pytest.raises(DataError, match="cannot be unpacked"):
        registry.get("tiny", progress=False)
    assert len(web.ranges) == 2


def test_one_failing_file_does_not_keep_the_others_away(serve, web):
    web.files["/b.txt"] = ROWS
    serve(
        DataFile("a.txt", f"{web.address}/a.txt", sha256=sha256(ROWS)),
        DataFile("b.txt", f"{web.address}/b.txt", sha256=sha256(ROWS)),
    )
    with pytest.raises(DataError) as caught:
        registry.get("tiny", progress=False)
    text = str(caught.value)
    assert text.startswith("Data set tiny is incomplete")
    assert f"a.txt could not be downloaded from {web.address}/a.txt (HTTP 404 Not Found)" in text
    assert "b.txt" not in text
    assert 'run "python -m core data get tiny" again' in text
    assert [state.state for state in registry.verify("tiny")] == ["missing", "ok"]


def test_dropped_connections_are_continued_where_they_ended(tmp_path, web):
    web.files["/f"] = BODY
    web.drops = [300_000, 200_001]
    target = tmp_path / "out"
    downloader(tmp_path)(f"{web.address}/f", str(target), None)
    assert target.read_bytes() == BODY
    assert web.ranges == [None, "bytes=300000-", "bytes=500001-"]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_later_process_continues(tmp_path, web):
    web.files["/f"] = BODY
    web.drops = [400_000] + [0] * 9
    with pytest.raises(DataError, match=r"the connection ended after 400000 of 1024000 bytes"):
        downloader(tmp_path, num_attempts=2)(f"{web.address}/f", str(tmp_path / "out"), None)
    assert not (tmp_path / "out").exists()
    web.drops = []
    web.ranges.clear()
    downloader(tmp_path)(f"{web.address}/f", str(tmp_path / "out"), None)
    assert (tmp_path / "out").read_bytes() == BODY
    assert web.ranges == ["bytes=400000-"]


def test_a_changed_origin_starts_over(tmp_path, web):
    web.files["/f"] = BODY
    web.drops = [400_000, 0, 0]
    with pytest.raises(DataError):
        downloader(tmp_path, num_attempts=2)(f"{web.address}/f", str(tmp_path / "out"), None)
    web.files["/f"], web.etag, web.drops = BODY[::-1], '"v2"', []
    downloader(tmp_path)(f"{web.address}/f", str(tmp_path / "out"), None)
    assert (tmp_path / "out").read_bytes() == BODY[::-1]


def test_a_weak_tag_is_never_continued(tmp_path, web):
    web.files["/f"], web.etag = BODY, 'W/"v1"'
    web.drops = [400_000]
    downloader(tmp_path)(f"{web.address}/f", str(tmp_path / "out"), None)
    assert (tmp_path / "out").read_bytes() == BODY
    assert web.ranges == [None, None]


def test_a_part_that_is_already_whole_is_fetched_again(tmp_path, web):
    web.files["/f"] = BODY
    (tmp_path / "file.part").write_bytes(BODY)
    (tmp_path / "file.part.tag").write_text('"v1"')
    downloader(tmp_path)(f"{web.address}/f", str(tmp_path / "out"), None)
    assert (tmp_path / "out").read_bytes() == BODY
    assert web.ranges == [f"bytes={len(BODY)}-", None]


def test_busy_server_is_retried_and_missing_file_is_not(tmp_path, web):
    web.files["/f"] = ROWS
    web.statuses = [503, 429]
    downloader(tmp_path)(f"{web.address}/f", str(tmp_path / "out"), None)
    assert (tmp_path / "out").read_bytes() == ROWS
    assert len(web.ranges) == 3
    with pytest.raises(DataError, match=r"HTTP 404 Not Found"):
        downloader(tmp_path)(f"{web.address}/none", str(tmp_path / "out2"), None)
    assert len(web.ranges) == 4


def test_progress_bar_counts_from_the_bytes_already_here(tmp_path, web, capsys):
    web.files["/f"] = BODY
    web.drops = [512_000]
    downloader(tmp_path, progress=True)(f"{web.address}/f", str(tmp_path / "out"), None)
    assert "1.02M/1.02M" in capsys.readouterr().err


def test_two_callers_fetch_once(serve, web):
    web.files["/f"] = BODY
    serve(DataFile("f", f"{web.address}/f", sha256=sha256(BODY)))
    threads = [
        threading.Thread(target=registry.get, args=("tiny",), kwargs={"progress": False})
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert registry.read("tiny") == {"f": BODY}
    assert len(web.ranges) == 1


# --- the real mirror


@needs_mirror
@pytest.mark.parametrize(
    "name",
    ["family", "umls-drum", "kinship", "nations", "WN18RR", "NELL-995", "fb237_v1", "nell_v4"],
)
def test_mirror_has_what_the_listing_says(name, places, monkeypatch):
    here = replace(places, mirror=settings().mirror)
    monkeypatch.setattr(registry, "settings", lambda: here)
    registry.get(name)
    contents = registry.read(name)
    for file in registry.find(name).files:
        assert sha256(contents[file.name]) == file.sha256
        assert len(contents[file.name]) == file.num_bytes
        assert len(contents[file.name].decode().splitlines()) == file.num_rows
    assert {state.state for state in registry.verify(name)} == {"ok"}


@needs_mirror
def test_yago_says_that_its_training_part_is_missing(places, monkeypatch):
    here = replace(places, mirror=settings().mirror)
    monkeypatch.setattr(registry, "settings", lambda: here)

    def offline(self, url):
        self.problem = "no network"
        raise DataError(f"could not be downloaded from {url} (no network)")

    monkeypatch.setattr(ResumableDownloader, "_try", offline)
    with pytest.raises(DataError) as caught:
        registry.get("YAGO3-10")
    assert "train.txt could not be downloaded from https://raw.githubuserc" in str(caught.value)
    assert "valid.txt" not in str(caught.value)
    states = {state.name: state.state for state in registry.verify("YAGO3-10")}
    assert states == {"train.txt": "missing", "valid.txt": "ok", "test.txt": "ok"}


def test_listing_is_plain_json():
    listing = json.loads(
        (registry.importlib.resources.files("core.data") / "sources" / "kg.json").read_text()
    )
    assert set(listing) == {"phrases", "sets"}
