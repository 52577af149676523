"""The SQLite file: schema and its migrations, connections, damage, errors in words.

WAL mode; times are seconds since 1970 (UTC). This is the only importer of sqlite_utils.
"""

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlite_utils import Database

from core.errors import StoreError

BUSY_TIMEOUT_S = 10.0
_APPLICATION_ID = 0x50415253  # "PARS": tells our files from other SQLite files

_VERSION_1 = """
CREATE TABLE runs (
    id TEXT PRIMARY KEY, created REAL NOT NULL, method TEXT NOT NULL, dataset TEXT NOT NULL,
    config TEXT NOT NULL, seed INTEGER NOT NULL, metrics TEXT NOT NULL, seconds REAL NOT NULL,
    job TEXT REFERENCES jobs(id) ON DELETE SET NULL
);
CREATE TABLE artifacts (
    id TEXT PRIMARY KEY, created REAL NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL,
    sha256 TEXT NOT NULL, card TEXT NOT NULL,
    run TEXT REFERENCES runs(id) ON DELETE SET NULL
);
CREATE TABLE predictions (
    id TEXT PRIMARY KEY, created REAL NOT NULL, domain TEXT NOT NULL, query TEXT NOT NULL,
    bundle TEXT NOT NULL
);
CREATE TABLE uploads (
    id TEXT PRIMARY KEY, created REAL NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
    sha256 TEXT NOT NULL, size_bytes INTEGER NOT NULL, summary TEXT NOT NULL
);
CREATE TABLE jobs (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, kind TEXT NOT NULL, title TEXT NOT NULL,
    params TEXT NOT NULL,
    state TEXT NOT NULL CHECK (
        state IN ('queued', 'running', 'done', 'failed', 'cancelled', 'interrupted')
    ),
    step INTEGER NOT NULL DEFAULT 0, total INTEGER NOT NULL DEFAULT 0,
    text TEXT NOT NULL DEFAULT '', eta_s REAL,
    created REAL NOT NULL, queued REAL NOT NULL, started REAL, finished REAL,
    attempts INTEGER NOT NULL DEFAULT 0, automatic_resumes INTEGER NOT NULL DEFAULT 0,
    worker TEXT, heartbeat REAL, cancel_requested REAL,
    result TEXT, error TEXT, traceback TEXT
);
CREATE INDEX jobs_by_state ON jobs(state, queued);
CREATE TABLE job_trace (
    job TEXT NOT NULL REFERENCES jobs(id) ON DELETE CASCADE, step INTEGER NOT NULL,
    numbers TEXT NOT NULL, PRIMARY KEY (job, step)
) WITHOUT ROWID;
CREATE TABLE workers (
    id TEXT PRIMARY KEY, pid INTEGER, started REAL NOT NULL, heartbeat REAL NOT NULL
);
"""
_VERSION_2 = """
ALTER TABLE predictions ADD COLUMN kept INTEGER NOT NULL DEFAULT 0;
CREATE INDEX predictions_by_domain ON predictions(domain, created);
CREATE INDEX artifacts_by_name ON artifacts(name, created);
"""
MIGRATIONS: tuple[str, ...] = (_VERSION_1, _VERSION_2)  # number n brings version n - 1 to n


def prepare(path: Path) -> None:
    """Create the file, or check and migrate the one that is there.

    Raises:
        StoreError: if it is damaged, foreign, newer than this release or not writable.
    """
    with translated(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(connect(path)) as db:
            damage = find_damage(db)
            if damage:
                raise StoreError(_damaged(path, damage[0]))
            migrate(db, path)


def connect(path: Path) -> Database:
    """Connect with a busy timeout and foreign keys."""
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S)
    connection.execute("PRAGMA foreign_keys = ON")
    # without plugins: nothing but this file decides what the connection does
    return Database(connection, execute_plugins=False)


def migrate(db: Database, path: Path) -> None:
    """Bring the schema to this release's version, in one transaction, and switch to WAL."""
    if _user_version(db) == len(MIGRATIONS):
        _enable_wal(db)
        return
    db.execute("BEGIN IMMEDIATE")  # of several processes that start together, one migrates
    try:
        version = _user_version(db)
        foreign = db.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION_ID
        if foreign and db.table_names():
            raise StoreError(
                f"{path} is a database of another program. Set PARSIMONY_HOME to a folder of "
                "this app, or move the file away."
            )
        if version > len(MIGRATIONS):
            raise StoreError(
                f"{path} has schema version {version}; this release knows up to "
                f"{len(MIGRATIONS)}. Install the newer release again, or restore a backup made "
                "by this one."
            )
        for script in MIGRATIONS[version:]:
            db.executescript(script)
        db.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    except BaseException:
        db.rollback()
        raise
    db.commit()
    _enable_wal(db)


def _enable_wal(db: Database) -> None:
    """Switch to WAL; SQLite does not wait by itself when another process is switching as well."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            db.enable_wal()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _user_version(db: Database) -> int:
    return db.execute("PRAGMA user_version").fetchone()[0]


def find_damage(db: Database) -> list[str]:
    """Run SQLite's integrity check; empty when the file is sound."""
    found = [row[0] for row in db.execute("PRAGMA integrity_check(5)")]
    lines = [line for text in found for line in text.splitlines() if not line.startswith("***")]
    return [] if found == ["ok"] else lines


def is_sound(path: Path) -> bool:
    """Tell whether a file is an undamaged SQLite database."""
    try:
        with closing(connect(path)) as db:
            return not find_damage(db)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):  # busy, full, read-only: not damage
            raise
        return False


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn errors of SQLite and of the file system into a StoreError that says what to do."""
    try:
        yield
    except sqlite3.ProgrammingError:
        raise  # a fault of our own code, not of the file
    except sqlite3.OperationalError as error:
        raise StoreError(_explain(path, str(error))) from error
    except sqlite3.IntegrityError as error:
        raise StoreError(f"{path} refuses the entry ({error}). Check the ids it refers to.") from (
            error
        )
    except sqlite3.DatabaseError as error:
        raise StoreError(_damaged(path, str(error))) from error
    except (OSError, shutil.Error) as error:
        problem = os.strerror(error.errno) if error.errno else str(error)
        raise StoreError(_explain(path, problem.lower())) from error


def _damaged(path: Path, problem: str) -> str:
    return (
        f"{path} is damaged ({problem}). Nothing was changed. Stop the app and restore a backup "
        "with `python -m core restore FOLDER`; the damaged file is kept beside it. Without a "
        "backup, move the file away to begin with an empty database."
    )


def _explain(path: Path, problem: str) -> str:
    """Say what to do about an operational problem of SQLite or of the file system."""
    if "full" in problem or "no space left" in problem:
        advice = "The disk is full; nothing of this change was kept. Free some space and try again."
    elif "readonly" in problem or "read-only" in problem or "permission" in problem:
        advice = "It is read-only. Give this user the right to write there, or set PARSIMONY_HOME."
    elif "locked" in problem or "busy" in problem:
        advice = (
            f"Another program has held it for more than {BUSY_TIMEOUT_S:.0f} s. Try again; "
            "if it lasts, stop the other program."
        )
    else:
        advice = "Check that the folder exists and is on a local disk."
    return f"Cannot use {path}: {problem}. {advice}"
