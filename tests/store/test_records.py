import contextlib
import hashlib
import sqlite3
import threading
from pathlib import Path

import pytest

from core.errors import StoreError
from core.store import Store, make_id

CONTENT = b"a\tb\tc\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def test_ids_are_unguessable_and_never_look_like_an_option():
    ids = {make_id() for _ in range(3000)}
    assert len(ids) == 3000
    assert {len(text) for text in ids} == {32}  # 24 bytes in base64
    assert not [text for text in ids if text[0] in "-_"]


def test_open_gives_the_same_store_for_the_same_path(store):
    assert Store.open(store.path) is store


def test_runs_and_artifacts_come_back_as_saved(store):
    run = store.save_run(
        method="redgnn", dataset="umls", config={"dim": 64}, seed=3, metrics={"mrr": 0.5},
        seconds=12.5,
    )  # fmt: skip
    found = store.find_run(run)
    assert found["created"] > 1.7e9
    del found["created"]
    assert found == {
        "id": run, "method": "redgnn", "dataset": "umls", "config": {"dim": 64}, "seed": 3,
        "metrics": {"mrr": 0.5}, "seconds": 12.5, "job": None,
    }  # fmt: skip
    first = store.save_artifact(name="redgnn-umls", path="x", sha256="0", card={}, run=run)
    second = store.save_artifact(name="redgnn-umls", path="y", sha256="1", card={"mrr": 0.5})
    store.save_artifact(name="other", path="z", sha256="2", card={})
    assert [row["id"] for row in store.recent_artifacts("redgnn-umls")] == [second, first]
    assert store.find_artifact(first)["run"] == run
    assert store.find_artifact(second)["card"] == {"mrr": 0.5}
    assert [row["id"] for row in store.recent_runs()] == [run]
    assert store.find_run("nothing") is None
    assert store.find_artifact("nothing") is None


def test_a_reference_to_nothing_is_refused_and_leaves_nothing(store):
    with pytest.raises(StoreError, match="refuses the entry"):
        store.save_artifact(name="a", path="x", sha256="0", card={}, run="nothing")
    assert store.recent_artifacts("a") == []


def test_predictions_by_id_and_newest_first_per_domain(store):
    ids = [
        store.save_prediction(domain="kg", query={"n": n}, bundle={"answer": f"é{n}"})
        for n in range(3)
    ]
    store.save_prediction(domain="ddi", query={}, bundle={})
    assert store.find_prediction(ids[1])["bundle"] == {"answer": "é1"}
    assert store.find_prediction(ids[1])["query"] == {"n": 1}
    assert store.find_prediction(ids[1])["domain"] == "kg"
    assert [row["id"] for row in store.recent_predictions("kg")] == ids[::-1]
    assert [row["id"] for row in store.recent_predictions("kg", limit=1)] == [ids[2]]
    assert store.find_prediction("' OR 1=1 --") is None


def test_only_old_predictions_that_are_not_pinned_are_deleted(store):
    pinned, old, fresh = (store.save_prediction(domain="kg", query={}, bundle={}) for _ in range(3))
    with store.transaction() as db:
        db.execute("UPDATE predictions SET created = created - 100 WHERE id != ?", [fresh])
    store.keep_prediction(pinned)
    assert store.delete_predictions(older_than_s=50.0) == 1
    assert store.find_prediction(old) is None
    assert store.find_prediction(pinned)["kept"] is True
    assert store.find_prediction(fresh)["kept"] is False


def test_uploads_share_equal_content_and_go_with_their_last_user(store):
    first = store.save_upload(name="../../a.tsv", content=CONTENT, kind="kg", summary={"rows": 1})
    second = store.save_upload(name="b.tsv", content=CONTENT, kind="kg", summary={})
    record = store.find_upload(first)
    assert (record.name, record.kind, record.summary) == ("../../a.tsv", "kg", {"rows": 1})
    assert record.path == store.path.parent / "uploads" / SHA256
    assert record.path.read_bytes() == CONTENT
    assert [place.name for place in store.uploads.iterdir()] == [SHA256]
    store.delete_upload(first)
    assert store.find_upload(first) is None
    assert store.find_upload(second).path.is_file()
    store.delete_upload(second)
    assert list(store.uploads.iterdir()) == []


def test_a_full_disk_beside_the_database_undoes_the_entry_as_well(store):
    def save() -> None:
        with store.transaction() as db:
            db.execute("INSERT INTO workers VALUES ('w', 1, 1.0, 1.0)")
            Path("/dev/full").write_bytes(b"x")  # the kernel answers "no space left on device"

    with pytest.raises(StoreError, match="The disk is full; nothing of this change was kept"):
        save()
    assert store.rows("SELECT id FROM workers") == []


def test_a_removed_database_says_so(tmp_path):
    store = Store.open(tmp_path / "parsimony.db")
    for place in tmp_path.glob("parsimony.db*"):
        place.unlink()
    with pytest.raises(StoreError, match="was removed or cannot be read"):
        store.recent_predictions("kg")
    assert not store.path.exists()


def test_an_error_inside_a_transaction_undoes_it(store):
    with contextlib.suppress(ZeroDivisionError), store.transaction() as db:
        db.execute("INSERT INTO workers VALUES ('w', 1, 1.0, 1.0)")
        raise ZeroDivisionError
    assert store.rows("SELECT id FROM workers") == []
    with store.transaction() as db:  # the connection is usable again
        db.execute("INSERT INTO workers VALUES ('w', 1, 1.0, 1.0)")
    assert store.rows("SELECT id FROM workers") == [{"id": "w"}]


def test_an_update_with_returning_is_committed(store):
    with store.transaction() as db:
        db.execute("INSERT INTO workers VALUES ('w', 1, 1.0, 1.0)")
        assert list(db.query("UPDATE workers SET pid = 2 RETURNING pid")) == [{"pid": 2}]
    other = sqlite3.connect(store.path, timeout=0.1)
    assert other.execute("SELECT pid FROM workers").fetchone() == (2,)
    other.execute("UPDATE workers SET pid = 3")  # no lock was left behind
    other.commit()
    other.close()
    assert store.rows("SELECT pid FROM workers") == [{"pid": 3}]


def test_many_threads_write_through_one_store(store):
    errors = []

    def write(number: int) -> None:
        try:
            for step in range(20):
                store.save_prediction(domain="kg", query={"n": number, "s": step}, bundle={})
        except StoreError as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    pairs = {(row["query"]["n"], row["query"]["s"]) for row in store.recent_predictions("kg", 999)}
    assert pairs == {(number, step) for number in range(8) for step in range(20)}


def test_reading_and_writing_in_one_transaction_never_collides(store):
    with store.transaction() as db:
        db.execute("INSERT INTO workers VALUES ('w', 0, 1.0, 1.0)")
    failures = []

    def increase() -> None:
        try:
            for _ in range(20):
                with store.transaction() as db:
                    found = db.execute("SELECT pid FROM workers").fetchone()[0]
                    db.execute("UPDATE workers SET pid = ?", [found + 1])
        except StoreError as error:
            failures.append(str(error))

    threads = [threading.Thread(target=increase) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert store.rows("SELECT pid FROM workers") == [{"pid": 120}]


def test_check_names_missing_and_damaged_uploads(store):
    missing = store.save_upload(name="a", content=b"one", kind="kg", summary={})
    damaged = store.save_upload(name="b", content=b"two", kind="kg", summary={})
    store.find_upload(missing).path.unlink()
    store.find_upload(damaged).path.write_bytes(b"three")
    one, two = (hashlib.sha256(text).hexdigest() for text in (b"one", b"two"))
    assert sorted(store.check()) == sorted(
        [f"Uploaded file {one} is missing.", f"Uploaded file {two} is damaged."]
    )
