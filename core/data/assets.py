"""Third-party files the browser needs, fetched from the npm registry by package name.

None of them is part of this repository. Each is pinned to one version and to the SHA-512 of its
package, unpacked into the git-ignored folder that the web server offers under ``/app/static``.
"""

import base64
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import DataError
from core.settings import ROOT

STATIC = ROOT / "static"
TIMEOUT_S = 120


@dataclass(frozen=True)
class Asset:
    """One npm package and the files taken from it.

    Attributes:
        package: name in the npm registry.
        version: the one accepted version.
        integrity: ``sha512-<base64>`` of the package file, as npm itself writes it.
        members: path inside the package file → name in the static folder.
        licence: SPDX identifier.
        purpose: what does not work without it.
    """

    package: str
    version: str
    integrity: str
    members: Mapping[str, str]
    licence: str
    purpose: str


_JSME_BUILDS = (  # WebKit and Blink; Gecko
    "D44A6B2FA009371519F96969020A9CF0",
    "DF562A19E2DB53DC47045F14B3DC6551",
)

ASSETS = (
    Asset(
        package="3dmol",
        version="2.5.5",
        integrity=(
            "sha512-kqNHouGqq3YfW58174tdERvm0XYTmP0tavQKOqIw1ouc2OJ7epkXEFrtEkVXV0clBZT2Ze2x"
            "HRC/qxX0u0qCdw=="
        ),
        members={
            "package/build/3Dmol-min.js": "3Dmol-min.js",
            "package/LICENSE": "3Dmol-LICENSE.txt",
        },
        licence="BSD-3-Clause",
        purpose="the 3-D view of molecules",
    ),
    Asset(
        package="jsme-editor",
        version="0.8.2",
        integrity=(
            "sha512-qjPe2CsxWmDlW6brK41e2hsRdFTui8rJwOgk2GkSYTK0l+EljmmC9znp46IqRxOBQWPqJZCP"
            "o/MefOJmzeIUOQ=="
        ),
        members={
            f"package/{name}": f"jsme/{name}"
            for name in (
                "jsme.nocache.js",
                "jsa.css",
                "clear.cache.gif",
                "gwt/chrome/chrome.css",
                "gwt/chrome/mosaic.css",
                "license.txt",
                *(f"{build}.cache.js" for build in _JSME_BUILDS),
                *(
                    f"deferredjs/{build}/{n}.cache.js"
                    for build in _JSME_BUILDS
                    for n in range(1, 12)
                ),
            )
        },
        licence="BSD-3-Clause",
        purpose="the editor for drawing molecules",
    ),
)


def is_placed(asset: Asset, folder: Path = STATIC) -> bool:
    """Whether the files of exactly this version lie in `folder`."""
    stamp = folder / f"{asset.package}.integrity"
    return (
        stamp.is_file()
        and stamp.read_text() == asset.integrity
        and all((folder / name).is_file() for name in asset.members.values())
    )


def fetch_asset(asset: Asset, folder: Path = STATIC) -> None:
    """Fetch the package with npm, check it and place its files.

    Raises:
        DataError: npm is missing or fails, or the package is not the expected one.
    """
    npm = shutil.which("npm")
    later = (
        f"Without it {asset.purpose} is off; everything else works. "
        "Run `python -m core assets` again later."
    )
    if npm is None:
        raise DataError(
            f"npm is not installed, so {asset.package} {asset.version} cannot be fetched. {later}"
        )
    with tempfile.TemporaryDirectory() as scratch:
        command = [npm, "pack", f"{asset.package}@{asset.version}", "--silent"]
        try:
            subprocess.run(command, cwd=scratch, check=True, capture_output=True, timeout=TIMEOUT_S)
        except (subprocess.SubprocessError, OSError) as error:
            raise DataError(
                f"npm could not fetch {asset.package} {asset.version}; is there a network? {later}"
            ) from error
        place_asset(asset, Path(scratch) / f"{asset.package}-{asset.version}.tgz", folder)


def integrity_of(archive: Path) -> str:
    """``sha512-<base64>`` of a package file."""
    return "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()


def place_asset(asset: Asset, archive: Path, folder: Path = STATIC) -> None:
    """Check a package file and place its members in `folder`.

    Raises:
        DataError: the file's SHA-512 differs, or a member is missing.
    """
    found = integrity_of(archive)
    if found != asset.integrity:
        raise DataError(
            f"{archive.name} is not the expected {asset.package} {asset.version}: its integrity is "
            f"{found}, expected {asset.integrity}. Nothing was placed; check your npm registry."
        )
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as package:
        for member, name in asset.members.items():
            try:
                content = package.extractfile(member)
            except KeyError as error:
                raise DataError(f"{archive.name} has no file {member}.") from error
            if content is None:
                raise DataError(f"{member} in {archive.name} is not a plain file.")
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content.read())
    (folder / f"{asset.package}.integrity").write_text(asset.integrity)
