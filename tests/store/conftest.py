"""A fresh store, a database of the first version, and a way to damage one."""

import sqlite3
from pathlib import Path

import pytest

from core.store import Store

# frozen: the schema and data that version 1 left behind
VERSION_1 = """
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
INSERT INTO predictions VALUES ('p1', 1000.5, 'kg', '{"head": "aspirin"}', '{"answers": [1]}');
INSERT INTO uploads VALUES ('u1', 1001.5, 'a.tsv', 'kg', 'abc', 3, '{"rows": 2}');
INSERT INTO jobs (id, owner, kind, title, params, state, created, queued)
    VALUES ('j1', 'local', 'train', 'Old', '{}', 'queued', 1002.5, 1002.5);
PRAGMA application_id = 1346458195;
PRAGMA user_version = 1;
"""


@pytest.fixture
def store(tmp_path):
    return Store.open(tmp_path / "home" / "parsimony.db")


@pytest.fixture(scope="session")
def write_version_1():
    """Write a database as the first release did."""

    def write(path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path)
        connection.executescript(VERSION_1)
        connection.close()

    return write


@pytest.fixture(scope="session")
def damage():
    """Overwrite the middle of every page but the first."""

    def overwrite(path: Path) -> None:
        content = bytearray(path.read_bytes())
        for start in range(4096, len(content), 4096):
            content[start : start + 200] = b"\xff" * 200
        path.write_bytes(content)
        for suffix in ("-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)

    return overwrite
