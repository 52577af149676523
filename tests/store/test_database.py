import shutil
import sqlite3
import subprocess
import sys

import pytest

from core.errors import StoreError
from core.settings import ROOT
from core.store import Store
from core.store.database import MIGRATIONS


def test_a_fresh_database_has_wal_foreign_keys_and_every_table(store):
    assert store.version() == 2
    assert store.rows("PRAGMA journal_mode") == [{"journal_mode": "wal"}]
    assert store.rows("PRAGMA foreign_keys") == [{"foreign_keys": 1}]
    assert store.rows("PRAGMA busy_timeout") == [{"timeout": 10000}]
    names = {row["name"] for row in store.rows("SELECT name FROM sqlite_master WHERE type='table'")}
    assert names == {
        "runs", "artifacts", "predictions", "uploads", "jobs", "job_trace", "workers",
    }  # fmt: skip
    assert store.check() == []


def test_version_1_data_survive_the_upgrade(tmp_path, write_version_1):
    path = tmp_path / "old" / "parsimony.db"
    write_version_1(path)
    store = Store.open(path)
    assert store.version() == len(MIGRATIONS) == 2
    assert store.find_prediction("p1") == {
        "id": "p1", "created": 1000.5, "domain": "kg", "query": {"head": "aspirin"},
        "bundle": {"answers": [1]}, "kept": False,
    }  # fmt: skip
    assert store.find_upload("u1").summary == {"rows": 2}
    assert store.rows("SELECT state FROM jobs") == [{"state": "queued"}]
    fresh = Store.open(tmp_path / "fresh.db")
    schema = "SELECT type, name, tbl_name FROM sqlite_master ORDER BY name"
    assert store.rows(schema) == fresh.rows(schema)


def test_a_newer_schema_is_refused_untouched(tmp_path, write_version_1):
    path = tmp_path / "parsimony.db"
    write_version_1(path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match="schema version 99; this release knows up to 2"):
        Store.open(path)
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (99,)
    assert "kept" not in str(connection.execute("SELECT sql FROM sqlite_master").fetchall())
    connection.close()


def test_a_database_of_another_program_is_refused(tmp_path):
    path = tmp_path / "parsimony.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE moz_places (id INTEGER)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="database of another program"):
        Store.open(path)
    assert path.read_bytes() == before


def test_a_damaged_database_says_what_to_do(tmp_path, write_version_1, damage):
    path = tmp_path / "parsimony.db"
    write_version_1(path)
    damage(path)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"is damaged .*`python -m core restore FOLDER`"):
        Store.open(path)
    assert path.read_bytes() == before
    path.write_text("this is no database at all, but a long enough text file " * 20)
    with pytest.raises(StoreError, match=r"is damaged .*python -m core restore"):
        Store.open(path)


def test_a_folder_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"Cannot use .*parsimony\.db: "):
        Store.open(tmp_path / "file" / "parsimony.db")


def test_a_full_disk_says_so_and_keeps_what_was_there(store):
    kept = store.save_prediction(domain="kg", query={}, bundle={"text": "x"})
    pages = store.rows("PRAGMA page_count")[0]["page_count"]
    store.rows(f"PRAGMA max_page_count = {pages}")  # SQLite now refuses to grow: SQLITE_FULL
    with pytest.raises(StoreError, match="The disk is full; nothing of this change was kept"):
        store.save_prediction(domain="kg", query={}, bundle={"text": "x" * 100_000})
    store.rows("PRAGMA max_page_count = 1000000")
    assert [row["id"] for row in store.recent_predictions("kg")] == [kept]
    store.save_prediction(domain="kg", query={}, bundle={"text": "x" * 100_000})
    assert len(store.recent_predictions("kg")) == 2


def test_a_read_only_database_says_so(store):
    with store.transaction() as db:
        db.execute("PRAGMA query_only = ON")  # SQLite answers as for a read-only file
    with pytest.raises(StoreError, match=r"It is read-only\. Give this user the right"):
        store.save_prediction(domain="kg", query={}, bundle={})


def test_a_lost_write_ahead_log_does_not_stop_the_start(tmp_path):
    store = Store.open(tmp_path / "parsimony.db")
    store.save_prediction(domain="kg", query={}, bundle={})
    other = tmp_path / "copy" / "parsimony.db"
    other.parent.mkdir()
    shutil.copyfile(store.path, other)  # without -wal and -shm
    assert Store.open(other).check() == []


def test_processes_that_start_together_migrate_once(tmp_path, write_version_1):
    path = tmp_path / "parsimony.db"
    write_version_1(path)
    code = (
        "import sys; from pathlib import Path; from core.store import Store;"
        "print(Store.open(Path(sys.argv[1])).version())"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    assert [process.communicate(timeout=60)[0] for process in processes] == ["2\n"] * 4
