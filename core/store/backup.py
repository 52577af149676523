"""Backups, and putting one in the place of the database.

A backup is a folder: ``parsimony.db``, ``manifest.json`` (sha256 of the database), ``uploads/``
and ``jobs/`` (the folders of finished jobs; checkpoints of unfinished jobs are not kept, such a
job starts from its beginning after a restore).
"""

import json
import shutil
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from core.errors import StoreError
from core.settings import settings
from core.store.database import MIGRATIONS, Database, connect, is_sound, migrate, translated
from core.store.records import Store, make_id, sha256_of

_BACKUP_FORMAT = "parsimony backup 1"


def back_up(store: Store, folder: Path) -> Path:
    """Write a backup while the app goes on working.

    Args:
        store: what is copied.
        folder: a folder that does not exist yet.

    Returns:
        The folder.

    Raises:
        StoreError: if the folder exists or cannot be written.
    """
    if folder.exists():
        raise StoreError(f"{folder} exists already. Give a folder that does not exist yet.")
    partial = folder.with_name(f".{folder.name}.{make_id()}")
    try:
        with translated(folder):
            partial.mkdir(parents=True)
            copy = partial / "parsimony.db"
            _copy_database(store.connection().conn, copy)
            with closing(connect(copy)) as db:
                hashes = [row["sha256"] for row in db.query("SELECT sha256 FROM uploads")]
                done = [row["id"] for row in db.query("SELECT id FROM jobs WHERE state='done'")]
                db.disable_wal()  # a single file that can be copied anywhere
            _copy_files(store.uploads, partial / "uploads", sorted(set(hashes)))
            _copy_files(store.path.parent / "jobs", partial / "jobs", done)
            manifest = {
                "format": _BACKUP_FORMAT,
                "created": time.time(),
                "sha256": sha256_of(copy),
            }
            (partial / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
            partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def restore(folder: Path, path: Path | None = None) -> Path | None:
    """Put a backup in the place of the database, after checking that the backup is sound.

    A sound database is overwritten through SQLite's own locks, so that a running app sees the
    restored content; a damaged one is moved aside.

    Args:
        folder: a folder written by `back_up`.
        path: the SQLite file to replace; the configured one when not given.

    Returns:
        Where the replaced database was kept, or None if there was none.

    Raises:
        StoreError: if the backup is damaged or newer than this release, or a job is running.
    """
    path = path or settings().database
    _check_backup(folder)
    kept: Path | None = None
    with translated(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        sound = path.exists() and is_sound(path)
        if path.exists():
            kept = path.with_name(f"{path.name}.replaced-{time.strftime('%Y%m%d-%H%M%S')}")
            while kept.exists():
                kept = kept.with_name(kept.name + "-again")
        _copy_files(folder / "uploads", path.parent / "uploads", replace_damaged=True)
        _copy_files(folder / "jobs", path.parent / "jobs")
        if sound:
            with closing(connect(path)) as db:
                _refuse_while_running(db)
                _copy_database(db.conn, kept)
                with closing(sqlite3.connect(folder / "parsimony.db")) as source:
                    source.backup(db.conn)
        else:
            partial = path.with_name(f".{path.name}.{make_id()}")
            shutil.copyfile(folder / "parsimony.db", partial)
            for suffix in ("-wal", "-shm", ""):
                if kept and Path(f"{path}{suffix}").exists():
                    Path(f"{path}{suffix}").replace(f"{kept}{suffix}")
            partial.replace(path)
        with closing(connect(path)) as db:
            migrate(db, path)
    return kept


def _check_backup(folder: Path) -> None:
    """Refuse a backup that is incomplete, altered or made by a newer release."""
    database, advice = folder / "parsimony.db", "Nothing was changed. Choose another backup."
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        digest = sha256_of(database)
    except (OSError, ValueError) as error:
        raise StoreError(f"{folder} is not a backup of this app ({error}). {advice}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != _BACKUP_FORMAT:
        raise StoreError(f"{folder} is not a backup of this app (manifest.json). {advice}")
    if digest != manifest.get("sha256"):
        raise StoreError(f"{database} is damaged: its sha256 is not the manifest's. {advice}")
    with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as source:
        version = source.execute("PRAGMA user_version").fetchone()[0]
        if source.execute("PRAGMA integrity_check(1)").fetchone()[0] != "ok":
            raise StoreError(f"{database} is damaged. {advice}")
        hashes = {row[0] for row in source.execute("SELECT sha256 FROM uploads")}
    if version > len(MIGRATIONS):
        raise StoreError(
            f"{folder} has schema version {version}; this release knows up to {len(MIGRATIONS)}. "
            f"Nothing was changed. Install the release that wrote it."
        )
    for sha256 in sorted(hashes):
        place = folder / "uploads" / sha256
        if not place.is_file() or sha256_of(place) != sha256:
            raise StoreError(f"{place} is missing or damaged. {advice}")


def _refuse_while_running(db: Database) -> None:
    """Refuse to replace the database under a job that is being computed."""
    if "jobs" not in db.table_names():
        return
    found = list(
        db.query(
            "SELECT id FROM jobs WHERE state = 'running' AND heartbeat > ?", [time.time() - 60.0]
        )
    )
    if found:
        raise StoreError(
            f"Job {found[0]['id']} is running. Cancel it or wait for its end, then restore."
        )


def _copy_database(source: sqlite3.Connection, place: Path) -> None:
    """Copy a live database through SQLite's online backup."""
    with closing(sqlite3.connect(place)) as target:
        source.backup(target)


def _copy_files(
    source: Path, target: Path, names: Sequence[str] | None = None, replace_damaged: bool = False
) -> None:
    """Copy files or folders by name, each under its final name only when complete."""
    if names is None:
        names = sorted(place.name for place in source.iterdir()) if source.is_dir() else []
    for name in names:
        origin, place = source / name, target / name
        if not origin.exists():
            continue
        if place.exists() and not (replace_damaged and sha256_of(place) != name):
            continue
        target.mkdir(parents=True, exist_ok=True)
        partial = target / f".{name}.{make_id()}"
        if origin.is_dir():
            shutil.copytree(origin, partial)
        else:
            shutil.copyfile(origin, partial)
        partial.replace(place)
