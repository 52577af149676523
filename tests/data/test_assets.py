"""Third-party front-end files: pinned, checked, refused when they differ."""

import base64
import hashlib
import io
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from core.data.assets import ASSETS, Asset, fetch_asset, is_placed, place_asset
from core.errors import DataError


def pack(path: Path, members: dict[str, bytes]) -> Asset:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    digest = base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
    return Asset(
        package="viewer",
        version="1.0.0",
        integrity=f"sha512-{digest}",
        members={"package/build/viewer.js": "viewer.js"},
        licence="MIT",
        purpose="the viewer",
    )


def test_members_are_placed_under_their_own_names(tmp_path):
    archive = tmp_path / "viewer-1.0.0.tgz"
    asset = pack(archive, {"package/build/viewer.js": b"let x = 1", "package/evil.js": b"no"})
    static = tmp_path / "static"
    assert not is_placed(asset, static)
    place_asset(asset, archive, static)
    assert (static / "viewer.js").read_bytes() == b"let x = 1"
    assert sorted(path.name for path in static.iterdir()) == ["viewer.integrity", "viewer.js"]
    assert is_placed(asset, static)


def test_another_version_does_not_count_as_placed(tmp_path):
    archive = tmp_path / "viewer-1.0.0.tgz"
    asset = pack(archive, {"package/build/viewer.js": b"let x = 1"})
    place_asset(asset, archive, tmp_path / "static")
    assert not is_placed(replace(asset, integrity="sha512-other"), tmp_path / "static")
    (tmp_path / "static" / "viewer.js").unlink()
    assert not is_placed(asset, tmp_path / "static")


def test_a_package_with_one_changed_byte_is_refused(tmp_path):
    archive = tmp_path / "viewer-1.0.0.tgz"
    asset = pack(archive, {"package/build/viewer.js": b"let x = 1"})
    content = bytearray(archive.read_bytes())
    content[-1] ^= 1
    archive.write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"not the expected viewer 1\.0\.0.*Nothing was placed"):
        place_asset(asset, archive, tmp_path / "static")
    assert not (tmp_path / "static").exists()


def test_a_package_without_the_member_is_refused(tmp_path):
    archive = tmp_path / "viewer-1.0.0.tgz"
    asset = pack(archive, {"package/other.js": b""})
    with pytest.raises(DataError, match=r"has no file package/build/viewer\.js"):
        place_asset(asset, archive, tmp_path / "static")
    assert not is_placed(asset, tmp_path / "static")


def test_without_npm_the_message_says_what_still_works(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DataError, match=r"npm is not installed.*everything else works"):
        fetch_asset(ASSETS[0], tmp_path / "static")


def test_a_failing_npm_is_reported(tmp_path, monkeypatch):
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    with pytest.raises(DataError, match=r"npm could not fetch 3dmol 2\.5\.5; is there a network"):
        fetch_asset(ASSETS[0], tmp_path / "static")


def test_every_asset_is_pinned():
    assert [(asset.package, asset.version) for asset in ASSETS] == [
        ("3dmol", "2.5.5"),
        ("jsme-editor", "0.8.2"),
    ]
    for asset in ASSETS:
        algorithm, _, digest = asset.integrity.partition("-")
        assert algorithm == "sha512"
        assert len(base64.b64decode(digest, validate=True)) == 64
        assert asset.licence == "BSD-3-Clause"
