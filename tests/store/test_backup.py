import hashlib
import json
import sqlite3

import pytest

from core.errors import StoreError
from core.store import Store, back_up, restore

CONTENT = b"a\tb\tc\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def saved(store, tmp_path):
    """A store with one prediction, one upload and one finished job, and its backup."""
    prediction = store.save_prediction(domain="kg", query={}, bundle={"kept": "yes"})
    upload = store.save_upload(name="a.tsv", content=CONTENT, kind="kg", summary={})
    with store.transaction() as db:
        for key, state in (("finished", "done"), ("waiting", "queued")):
            db.execute(
                "INSERT INTO jobs (id, owner, kind, title, params, state, created, queued) "
                "VALUES (?, 'local', 'k', 't', '{}', ?, 1.0, 1.0)",
                [key, state],
            )
    for key in ("finished", "waiting"):
        (store.path.parent / "jobs" / key).mkdir(parents=True)
        (store.path.parent / "jobs" / key / "result.txt").write_text(key)
    return store, prediction, upload, back_up(store, tmp_path / "backup")


def test_a_backup_is_complete_and_one_sound_file(saved):
    store, prediction, _, folder = saved
    connection = sqlite3.connect(folder / "parsimony.db")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("SELECT id FROM predictions").fetchall() == [(prediction,)]
    connection.close()
    assert (folder / "uploads" / SHA256).read_bytes() == CONTENT
    assert [place.name for place in (folder / "jobs").iterdir()] == ["finished"]
    manifest = json.loads((folder / "manifest.json").read_text())
    digest = hashlib.sha256((folder / "parsimony.db").read_bytes()).hexdigest()
    assert manifest["sha256"] == digest
    with pytest.raises(StoreError, match="exists already"):
        back_up(store, folder)
    assert sorted(place.name for place in folder.parent.iterdir()) == ["backup", "home"]


def test_restore_brings_back_the_content_and_keeps_the_replaced_file(saved):
    store, prediction, upload, folder = saved
    later = store.save_prediction(domain="kg", query={}, bundle={"later": 1})
    store.find_upload(upload).path.write_bytes(b"damaged since")
    kept = restore(folder, store.path)
    assert store.find_prediction(later) is None  # the open store sees the restored content
    assert store.find_prediction(prediction)["bundle"] == {"kept": "yes"}
    assert store.find_upload(upload).path.read_bytes() == CONTENT
    assert store.check() == []
    assert kept.parent == store.path.parent
    connection = sqlite3.connect(kept)
    found = {row[0] for row in connection.execute("SELECT id FROM predictions")}
    connection.close()
    assert found == {prediction, later}


def test_every_restore_keeps_what_it_replaced(saved):
    store, _, _, folder = saved
    kept = [restore(folder, store.path) for _ in range(3)]
    assert len(set(kept)) == 3
    assert all(place.is_file() for place in kept)


def test_restore_onto_an_empty_machine(saved, tmp_path):
    _, prediction, upload, folder = saved
    path = tmp_path / "elsewhere" / "parsimony.db"
    assert restore(folder, path) is None
    store = Store.open(path)
    assert store.find_prediction(prediction)["bundle"] == {"kept": "yes"}
    assert store.find_upload(upload).path == tmp_path / "elsewhere" / "uploads" / SHA256
    assert store.check() == []
    assert (path.parent / "jobs" / "finished" / "result.txt").read_text() == "finished"
    assert store.rows("PRAGMA journal_mode") == [{"journal_mode": "wal"}]


def test_restore_over_a_damaged_database(saved, tmp_path, write_version_1, damage):
    _, prediction, _, folder = saved
    path = tmp_path / "broken" / "parsimony.db"
    write_version_1(path)
    damage(path)
    with pytest.raises(StoreError, match="is damaged"):
        Store.open(path)
    kept = restore(folder, path)
    assert Store.open(path).find_prediction(prediction)["bundle"] == {"kept": "yes"}
    assert b"\xff" * 200 in kept.read_bytes()


def test_restoring_a_backup_of_version_1_migrates_it(saved, write_version_1):
    store, _, _, folder = saved
    (folder / "parsimony.db").unlink()
    write_version_1(folder / "parsimony.db")
    connection = sqlite3.connect(folder / "parsimony.db")
    connection.execute("DELETE FROM uploads")
    connection.commit()
    connection.close()
    digest = hashlib.sha256((folder / "parsimony.db").read_bytes()).hexdigest()
    manifest = {"format": "parsimony backup 1", "created": 1.0, "sha256": digest}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    restore(folder, store.path)
    assert store.version() == 2
    assert store.find_prediction("p1")["kept"] is False


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder, damage: damage(folder / "parsimony.db"), "sha256 is not the manifest's"),
        (lambda folder, _: (folder / "uploads" / SHA256).write_bytes(b"x"), "missing or damaged"),
        (lambda folder, _: (folder / "uploads" / SHA256).unlink(), "missing or damaged"),
        (lambda folder, _: (folder / "manifest.json").unlink(), "is not a backup of this app"),
        (lambda folder, _: (folder / "manifest.json").write_text("[]"), "is not a backup of this"),
        (lambda folder, _: (folder / "parsimony.db").unlink(), "is not a backup of this app"),
    ],
)
def test_a_damaged_backup_is_refused_and_nothing_is_touched(saved, spoil, message, damage):
    store, prediction, _, folder = saved
    later = store.save_prediction(domain="kg", query={}, bundle={})
    spoil(folder, damage)
    names = sorted(place.name for place in store.path.parent.iterdir())
    with pytest.raises(StoreError, match=message):
        restore(folder, store.path)
    assert {row["id"] for row in store.recent_predictions("kg")} == {prediction, later}
    assert sorted(place.name for place in store.path.parent.iterdir()) == names


def test_restore_refuses_while_a_job_is_running(saved):
    store, _, _, folder = saved
    with store.transaction() as db:
        db.execute("UPDATE jobs SET state = 'running', heartbeat = unixepoch() WHERE id='waiting'")
    with pytest.raises(StoreError, match=r"Job waiting is running\. Cancel it or wait"):
        restore(folder, store.path)
    assert store.rows("SELECT state FROM jobs WHERE id = 'waiting'") == [{"state": "running"}]
