"""The data sets: where they come from, under which terms, and how they get here.

Every `sources/*.json` beside this module lists data sets. A file is taken from the first place that
has it: the home folder, an installed package, the local mirror folder, the public origin. Whatever
the place, its *uncompressed content* must have the listed checksum before anything reads it.
"""

import gzip
import hashlib
import http.client
import importlib.metadata
import importlib.resources
import json
import logging
import lzma
import shutil
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fcntl import LOCK_EX, flock
from functools import cache
from http import HTTPStatus
from pathlib import Path

import pooch
from tqdm import tqdm

from core.errors import DataError
from core.settings import settings

CHUNK_BYTES = 1 << 16

pooch.get_logger().setLevel(logging.WARNING)


@dataclass(frozen=True)
class DataFile:
    """One file of a data set; checksums and sizes are those of the uncompressed content.

    Attributes:
        name: path inside the data set's folder.
        origin: public address of the file or of the archive that holds it.
        member: path inside the origin's archive, empty when the origin is the file itself.
        mirror: path inside the mirror folder, empty when the mirror lacks it.
        mirror_member: path inside the mirror's archive.
        package: path inside an installed distribution, starting with the distribution's name.
        sha256: checksum, empty when only `md5` was published.
        md5: published checksum of a file that could not be read when this list was made.
        rows_sha256: checksum of the sorted lines; a content with these rows in another order is
            accepted too.
        num_bytes: size, 0 when unknown.
        num_rows: lines.
        derived: the file was made from the origin and others: it cannot be downloaded from there.
    """

    name: str
    origin: str
    member: str = ""
    mirror: str = ""
    mirror_member: str = ""
    package: str = ""
    sha256: str = ""
    md5: str = ""
    rows_sha256: str = ""
    num_bytes: int = 0
    num_rows: int = 0
    derived: bool = False

    def matches(self, content: bytes) -> bool:
        """Whether `content` is this file."""
        if self.sha256:
            same = hashlib.sha256(content).hexdigest() == self.sha256
        else:
            same = hashlib.md5(content, usedforsecurity=False).hexdigest() == self.md5
        return same or (bool(self.rows_sha256) and _rows_sha256(content) == self.rows_sha256)


@dataclass(frozen=True)
class DataSet:
    """A data set and its terms.

    Attributes:
        name: short id, also the name of its folder.
        title: one line for people.
        licence: terms as found at the source.
        citation: who to cite.
        files: its files.
        note: anything a reader must know.
        aliases: further ids.
        names: id of the data set with readable names, empty when there is none.
        relation_phrases: from relation id in lower case to words for "head WORDS tail".
    """

    name: str
    title: str
    licence: str
    citation: str
    files: tuple[DataFile, ...]
    note: str = ""
    aliases: tuple[str, ...] = ()
    names: str = ""
    relation_phrases: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where its files are kept."""
        return settings().home / "data" / self.name


@dataclass(frozen=True)
class FileState:
    """What `verify` found: `state` is ``ok``, ``missing`` or ``damaged``."""

    name: str
    path: Path
    state: str


@cache
def list_sets() -> tuple[DataSet, ...]:
    """All data sets, in the order of the source files."""
    found = []
    folder = importlib.resources.files("core.data") / "sources"
    for source in sorted(folder.iterdir(), key=lambda path: path.name):
        if not source.name.endswith(".json"):
            continue
        listing = json.loads(source.read_text(encoding="utf-8"))
        for value in listing["sets"]:
            fields = dict(value)
            phrases = listing.get("phrases", {}).get(fields.pop("phrases", ""), {})
            files = tuple(DataFile(**file) for file in fields.pop("files"))
            aliases = tuple(fields.pop("aliases", ()))
            found.append(DataSet(**fields, files=files, aliases=aliases, relation_phrases=phrases))
    return tuple(found)


def find(name: str) -> DataSet:
    """The data set with this id or alias.

    Raises:
        DataError: there is none; the message lists the known ones.
    """
    for data_set in list_sets():
        if name == data_set.name or name in data_set.aliases:
            return data_set
    known = ", ".join(data_set.name for data_set in list_sets())
    raise DataError(f'There is no data set "{name}". Known: {known}.')


def get(name: str, *, progress: bool = True) -> Path:
    """Make a data set's files available and return their folder.

    Safe to call from several processes: the second one waits for the first.

    Args:
        name: id or alias of the data set.
        progress: show a bar while downloading.

    Raises:
        DataError: a file is in none of the places; names the file, the places and the next step.
    """
    data_set = find(name)
    with _locked(data_set.folder):
        archives: dict[str, dict[str, bytes]] = {}
        problems = []
        for file in data_set.files:
            if _is_kept(data_set, file):
                continue
            try:
                content = _from_package(file) or _from_mirror(file, archives)
                content = content or _from_origin(data_set, file, archives, progress=progress)
            except DataError as error:
                problems.append(f"{file.name} {error}")
                continue
            _write(data_set.folder / file.name, content)
        if not problems:
            shutil.rmtree(data_set.folder / ".downloads", ignore_errors=True)
    if problems:
        mirror = settings().mirror
        place = f"the mirror folder {mirror}" if mirror else "a mirror folder (none is set)"
        raise DataError(
            f"Data set {data_set.name} is incomplete; neither {data_set.folder} nor {place} has "
            f"all of it. {'; '.join(problems)}. Connect this machine to the internet and run "
            f'"python -m core data get {data_set.name}" again, or put the files there yourself.'
        )
    return data_set.folder


def read(name: str, *, progress: bool = False) -> dict[str, bytes]:
    """The verified contents of a data set's files by name.

    A data set that an installed package carries is read from there and nothing is written.

    Raises:
        DataError: see `get`.
    """
    data_set = find(name)
    packaged = {file.name: _from_package(file) for file in data_set.files}
    if all(packaged.values()):
        return {key: content for key, content in packaged.items() if content}
    folder = get(name, progress=progress)
    return {file.name: (folder / file.name).read_bytes() for file in data_set.files}


def verify(name: str) -> list[FileState]:
    """Check every file of a data set in its folder; nothing is fetched or changed."""
    data_set = find(name)
    states = []
    for file in data_set.files:
        path = data_set.folder / file.name
        if not path.is_file():
            state = "missing"
        else:
            state = "ok" if file.matches(path.read_bytes()) else "damaged"
        states.append(FileState(file.name, path, state))
    return states


def _is_kept(data_set: DataSet, file: DataFile) -> bool:
    path = data_set.folder / file.name
    return path.is_file() and file.matches(path.read_bytes())


def _from_package(file: DataFile) -> bytes | None:
    """Content from an installed distribution, which is located but never imported."""
    if not file.package:
        return None
    try:
        distribution = importlib.metadata.distribution(file.package.split("/")[0])
    except importlib.metadata.PackageNotFoundError:
        return None
    path = Path(str(distribution.locate_file(file.package)))
    if not path.is_file():
        return None
    content = path.read_bytes()
    return content if file.matches(content) else None


def _from_mirror(file: DataFile, archives: dict[str, dict[str, bytes]]) -> bytes | None:
    """Content from the mirror folder; `archives` keeps unpacked archives for the next file."""
    mirror = settings().mirror
    if not file.mirror or mirror is None or not (mirror / file.mirror).is_file():
        return None
    path = mirror / file.mirror
    if file.mirror_member and file.mirror not in archives:
        archives[file.mirror] = _unpack(path)
    if file.mirror_member:
        content = archives[file.mirror].get(file.mirror_member, b"")
    else:
        content = _expand(path)
    if not file.matches(content):
        raise DataError(f"in the mirror ({path}) is damaged: its checksum differs")
    return content


def _from_origin(
    data_set: DataSet, file: DataFile, archives: dict[str, dict[str, bytes]], *, progress: bool
) -> bytes:
    """Content from the public address; `archives` keeps unpacked archives for the next file."""
    if file.derived:
        raise DataError(f"was made from {file.origin} and can only come from a mirror folder")
    if file.origin not in archives:
        path = _download(data_set, file.origin, progress=progress)
        archives[file.origin] = {}
        try:
            archives[file.origin] = _unpack(path) if file.member else {"": path.read_bytes()}
        finally:
            path.unlink()  # its contents are in memory; a damaged one must not be found again
    content = archives[file.origin].get(file.member, b"")
    if not file.matches(content):
        part = f" ({file.member})" if file.member else ""
        raise DataError(f"came from {file.origin}{part} with another checksum and was not kept")
    return content


def _download(data_set: DataSet, url: str, *, progress: bool) -> Path:
    """The downloaded file, before any check of its content."""
    folder = data_set.folder / ".downloads"
    folder.mkdir(parents=True, exist_ok=True)
    fname = f"{hashlib.sha256(url.encode()).hexdigest()[:12]}-{url.rsplit('/', 1)[-1]}"
    downloader = ResumableDownloader(folder / f"{fname}.part", progress=progress)
    return Path(pooch.retrieve(url, None, fname=fname, path=folder, downloader=downloader))


def _expand(path: Path) -> bytes:
    """Content of a file, decompressed when its name ends in .gz or .xz."""
    decompress = {".gz": gzip.decompress, ".xz": lzma.decompress}.get(path.suffix, bytes)
    try:
        return decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise DataError(f"in {path} cannot be decompressed: {error}") from error


def _unpack(path: Path) -> dict[str, bytes]:
    """Contents of a tar archive's files by name; nothing is written to disk."""
    contents = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                stream = archive.extractfile(member) if member.isfile() else None
                if stream is not None:
                    contents[member.name.removeprefix("./")] = stream.read()
    except (OSError, EOFError, tarfile.TarError, lzma.LZMAError, zlib.error) as error:
        raise DataError(f"in {path} cannot be unpacked: {error}") from error
    return contents


def _write(path: Path, content: bytes) -> None:
    """Write through a temporary file, so that a reader sees the whole content or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as stream:
        stream.write(content)
    Path(stream.name).replace(path)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as stream:
        flock(stream, LOCK_EX)
        yield


def _rows_sha256(content: bytes) -> str:
    return hashlib.sha256(b"\n".join(sorted(content.rstrip(b"\n").split(b"\n")))).hexdigest()


class ResumableDownloader:
    """A downloader for `pooch` that continues a partial file and retries.

    The bytes received so far stay in `part`, beside the server's tag for that version of the file,
    so that an interrupted download continues in the same or in a later process.

    Attributes:
        part: file that collects the bytes.
        progress: show a bar.
        num_attempts: connections in a row without a new byte after which it gives up.
        pause_s: wait after the first failure; it doubles with each further one.
        timeout_s: longest silence of the server.
    """

    def __init__(
        self,
        part: Path,
        *,
        progress: bool = True,
        num_attempts: int = 4,
        pause_s: float = 1.0,
        timeout_s: float = 30.0,
    ) -> None:
        self.part, self.progress = part, progress
        self.num_attempts, self.pause_s, self.timeout_s = num_attempts, pause_s, timeout_s
        self.tag = part.with_name(part.name + ".tag")
        self.problem = ""

    def __call__(
        self, url: str, output_file: str, _pooch: pooch.Pooch | None, check_only: bool = False
    ) -> None:
        """Download `url` to `output_file`; the signature is the one that pooch calls.

        Raises:
            DataError: the address does not answer, or not with the file.
        """
        if check_only:
            raise DataError("availability checks are not supported; call the download itself")
        failures, seen = 0, -1
        while not self._try(url):
            size = self._size()
            failures = 1 if size > seen else failures + 1
            seen = max(seen, size)
            if failures >= self.num_attempts:
                raise DataError(f"could not be downloaded from {url} ({self.problem})")
            time.sleep(self.pause_s * 2 ** (failures - 1))
        self.tag.unlink(missing_ok=True)
        self.part.replace(output_file)

    def _try(self, url: str) -> bool:
        """One connection; False when another one may help, with the reason in `problem`."""
        try:
            self._continue(url)
        except urllib.error.HTTPError as error:
            self.problem = f"HTTP {error.code} {error.reason}"
            if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                self.part.unlink(missing_ok=True)
            elif error.code < 500 and error.code != HTTPStatus.TOO_MANY_REQUESTS:
                raise DataError(f"could not be downloaded from {url} ({self.problem})") from error
            return False
        except (OSError, http.client.HTTPException) as error:
            self.problem = str(error)
            return False
        return True

    def _size(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _continue(self, url: str) -> None:
        """One connection: append what is missing; raises when it ends too early."""
        start = self._size()
        request = urllib.request.Request(url)
        tag = self.tag.read_text(encoding="utf-8") if self.tag.exists() else ""
        if start and tag:
            request.add_header("Range", f"bytes={start}-")
            request.add_header("If-Range", tag)
        with urllib.request.urlopen(request, timeout=self.timeout_s) as response:
            if response.status != HTTPStatus.PARTIAL_CONTENT:
                start = 0
            tag = response.headers.get("ETag") or ""
            if not tag or tag.startswith("W/"):  # a weak tag cannot guard a range
                tag = response.headers.get("Last-Modified") or ""
            self.tag.write_text(tag, encoding="utf-8")
            length = response.headers.get("Content-Length")
            total = start + int(length) if length is not None else None
            with (
                self.part.open("ab" if start else "wb") as stream,
                tqdm(
                    total=total,
                    initial=start,
                    unit="B",
                    unit_scale=True,
                    desc=url.rsplit("/", 1)[-1],
                    disable=not self.progress,
                ) as bar,
            ):
                while chunk := response.read(CHUNK_BYTES):
                    stream.write(chunk)
                    bar.update(len(chunk))
        if total is not None and self._size() != total:
            raise ConnectionError(f"the connection ended after {self._size()} of {total} bytes")
