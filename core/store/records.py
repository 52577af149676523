"""What is kept: runs, artifacts, predictions and uploads, each under its id.

Uploaded files lie beside the database in ``uploads/``, named by their sha256. A `Store` may be
used from any thread: each thread gets its own connection. Every write is one ``BEGIN IMMEDIATE``
transaction that is committed explicitly, because a statement with RETURNING would otherwise leave
its transaction open.
"""

import hashlib
import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from core.errors import StoreError
from core.settings import settings
from core.store.database import Database, connect, find_damage, prepare, translated


@dataclass(frozen=True)
class UploadRecord:
    """A user's file.

    Attributes:
        id: unguessable id.
        name: file name as given by the user; for display only, never a path.
        path: where the content lies.
        kind: what the file holds, such as ``kg``.
        summary: what the importer found.
        created: seconds since 1970.
    """

    id: str
    name: str
    path: Path
    kind: str
    summary: dict[str, Any]
    created: float


def make_id() -> str:
    """Return a random id of 192 bits that is safe in addresses, file names and commands."""
    while True:
        text = secrets.token_urlsafe(24)
        if text[0] not in "-_":  # a leading dash would read as an option on the command line
            return text


class Store:
    """The database and the files beside it. Use `Store.open`, which checks and migrates."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.uploads = path.parent / "uploads"
        self._local = threading.local()

    @classmethod
    def open(cls, path: Path | None = None) -> "Store":
        """Open the database, create or migrate it when needed, and check it once per process.

        Args:
            path: the SQLite file; the configured one when not given.

        Returns:
            The store; the same object for the same path.

        Raises:
            StoreError: if the file is damaged, foreign, newer than this release or not writable.
        """
        return _open(path or settings().database)

    # -- connections -------------------------------------------------------------------------

    def connection(self) -> Database:
        """Return this thread's connection; a replaced file gets a fresh one."""
        try:
            inode = self.path.stat().st_ino
        except OSError as error:
            raise StoreError(
                f"{self.path} was removed or cannot be read ({error.strerror}). Stop the app and "
                "restore a backup with `python -m core restore FOLDER`, or start it again to "
                "begin with an empty database."
            ) from error
        if getattr(self._local, "inode", None) != inode:
            self._local.db = connect(self.path)
            self._local.inode = inode
        return self._local.db

    def rows(self, sql: str, arguments: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Run one reading statement.

        Args:
            sql: a SELECT with ``?`` for values.
            arguments: the values.

        Returns:
            One dict per row.

        Raises:
            StoreError: if the database cannot be read.
        """
        with translated(self.path):
            return list(self.connection().query(sql, arguments))

    @contextmanager
    def transaction(self) -> Iterator[Database]:
        """Give a connection that holds the write lock; commit at the end, roll back on an error.

        Raises:
            StoreError: if the database is full, read-only, busy for too long or damaged.
        """
        with translated(self.path):
            db = self.connection()
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.rollback()
                raise
            try:
                db.commit()
            except sqlite3.Error:
                db.rollback()
                raise

    def close(self) -> None:
        """Close this thread's connection; the next use opens another."""
        if getattr(self._local, "inode", None) is not None:
            self._local.db.close()
            self._local.inode = None

    def version(self) -> int:
        """Return the schema version of the file."""
        return self.rows("PRAGMA user_version")[0]["user_version"]

    def _insert(self, table: str, values: dict[str, Any]) -> str:
        """Insert one row with a fresh id and the present time; return the id."""
        key = make_id()
        with self.transaction() as db:
            db.table(table).insert({"id": key, "created": time.time(), **values})
        return key

    # -- runs and artifacts ------------------------------------------------------------------

    def save_run(
        self,
        *,
        method: str,
        dataset: str,
        config: dict[str, Any],
        seed: int,
        metrics: dict[str, Any],
        seconds: float,
        job: str | None = None,
    ) -> str:
        """Record one finished training run.

        Args:
            method: name of the method.
            dataset: name of the data set.
            config: every hyper-parameter.
            seed: random seed.
            metrics: measured figures.
            seconds: training time.
            job: id of the job that made it, if any.

        Returns:
            The id of the run.
        """
        values = {
            "method": method,
            "dataset": dataset,
            "config": json.dumps(config),
            "seed": seed,
            "metrics": json.dumps(metrics),
            "seconds": seconds,
            "job": job,
        }
        return self._insert("runs", values)

    def find_run(self, run_id: str) -> dict[str, Any] | None:
        """Return the run with this id, or None."""
        found = self.rows("SELECT * FROM runs WHERE id = ?", [run_id])
        return _decode(found[0], "config", "metrics") if found else None

    def recent_runs(self, limit: int = 20) -> list[dict[str, Any]]:
        """Return the latest runs, newest first."""
        sql = "SELECT * FROM runs ORDER BY created DESC, rowid DESC LIMIT ?"
        return [_decode(row, "config", "metrics") for row in self.rows(sql, [limit])]

    def save_artifact(
        self, *, name: str, path: str, sha256: str, card: dict[str, Any], run: str | None = None
    ) -> str:
        """Record one exported model.

        Args:
            name: ``<method>-<dataset>``.
            path: folder of the artifact.
            sha256: digest of the model file.
            card: the card's content.
            run: id of the run that trained it, if known.

        Returns:
            The id of the artifact.
        """
        values = {
            "name": name,
            "path": path,
            "sha256": sha256,
            "card": json.dumps(card),
            "run": run,
        }
        return self._insert("artifacts", values)

    def find_artifact(self, artifact_id: str) -> dict[str, Any] | None:
        """Return the artifact with this id, or None."""
        found = self.rows("SELECT * FROM artifacts WHERE id = ?", [artifact_id])
        return _decode(found[0], "card") if found else None

    def recent_artifacts(self, name: str, limit: int = 20) -> list[dict[str, Any]]:
        """Return the recorded versions of an artifact, newest first."""
        sql = "SELECT * FROM artifacts WHERE name = ? ORDER BY created DESC, rowid DESC LIMIT ?"
        return [_decode(row, "card") for row in self.rows(sql, [name, limit])]

    # -- predictions -------------------------------------------------------------------------

    def save_prediction(self, *, domain: str, query: dict[str, Any], bundle: dict[str, Any]) -> str:
        """Keep an answer so that its address shows it again.

        Args:
            domain: the page, such as ``kg``.
            query: what was asked.
            bundle: the Evidence Bundle of the answer.

        Returns:
            The id of the prediction.
        """
        values = {"domain": domain, "query": json.dumps(query), "bundle": json.dumps(bundle)}
        return self._insert("predictions", values)

    def find_prediction(self, prediction_id: str) -> dict[str, Any] | None:
        """Return id, created, domain, query, bundle and kept of a prediction, or None."""
        found = self.rows("SELECT * FROM predictions WHERE id = ?", [prediction_id])
        return _prediction(found[0]) if found else None

    def recent_predictions(self, domain: str, limit: int = 20) -> list[dict[str, Any]]:
        """Return the latest predictions of a page, newest first."""
        sql = "SELECT * FROM predictions WHERE domain = ? ORDER BY created DESC, rowid DESC LIMIT ?"
        return [_prediction(row) for row in self.rows(sql, [domain, limit])]

    def keep_prediction(self, prediction_id: str, kept: bool = True) -> None:
        """Pin a prediction, so that `delete_predictions` leaves it alone."""
        with self.transaction() as db:
            db.execute("UPDATE predictions SET kept = ? WHERE id = ?", [int(kept), prediction_id])

    def delete_predictions(self, older_than_s: float) -> int:
        """Delete predictions that are older and not pinned; return their number."""
        with self.transaction() as db:
            return db.execute(
                "DELETE FROM predictions WHERE kept = 0 AND created < ?",
                [time.time() - older_than_s],
            ).rowcount

    # -- uploads -----------------------------------------------------------------------------

    def save_upload(self, *, name: str, content: bytes, kind: str, summary: dict[str, Any]) -> str:
        """Keep a user's file. Equal contents share one file on disk.

        Args:
            name: the file's name, for display.
            content: its bytes.
            kind: what it holds.
            summary: what the importer found.

        Returns:
            The id of the upload.

        Raises:
            StoreError: if the file cannot be written.
        """
        sha256 = hashlib.sha256(content).hexdigest()
        place = self.uploads / sha256
        key = make_id()
        row = {
            "id": key,
            "created": time.time(),
            "name": name[:255],
            "kind": kind,
            "sha256": sha256,
            "size_bytes": len(content),
            "summary": json.dumps(summary),
        }
        # file and row under one lock, so that `delete_upload` never takes a file just reused
        with self.transaction() as db:
            if not place.exists():
                self.uploads.mkdir(parents=True, exist_ok=True)
                partial = self.uploads / f".{sha256}.{key}"
                try:
                    partial.write_bytes(content)
                    partial.replace(place)
                finally:
                    partial.unlink(missing_ok=True)
            db.table("uploads").insert(row)
        return key

    def find_upload(self, upload_id: str) -> UploadRecord | None:
        """Return the upload with this id, or None."""
        found = self.rows("SELECT * FROM uploads WHERE id = ?", [upload_id])
        if not found:
            return None
        row = found[0]
        return UploadRecord(
            id=row["id"],
            name=row["name"],
            path=self.uploads / row["sha256"],
            kind=row["kind"],
            summary=json.loads(row["summary"]),
            created=row["created"],
        )

    def delete_upload(self, upload_id: str) -> None:
        """Forget an upload, and its content when no other upload shares it."""
        with self.transaction() as db:
            found = list(db.query("SELECT sha256 FROM uploads WHERE id = ?", [upload_id]))
            if not found:
                return
            db.execute("DELETE FROM uploads WHERE id = ?", [upload_id])
            if not db.table("uploads").count_where("sha256 = ?", [found[0]["sha256"]]):
                (self.uploads / found[0]["sha256"]).unlink(missing_ok=True)

    # -- checking ----------------------------------------------------------------------------

    def check(self) -> list[str]:
        """Look for damage in the database and the uploaded files.

        Returns:
            One sentence per problem; empty when all is well.
        """
        with translated(self.path):
            db = self.connection()
            problems = [f"Database: {text}." for text in find_damage(db)]
            broken = list(db.query("PRAGMA foreign_key_check"))
        problems += [f"Table {row['table']} points to a missing {row['parent']}." for row in broken]
        for row in self.rows("SELECT DISTINCT sha256 FROM uploads ORDER BY sha256"):
            place = self.uploads / row["sha256"]
            if not place.is_file():
                problems.append(f"Uploaded file {row['sha256']} is missing.")
            elif sha256_of(place) != row["sha256"]:
                problems.append(f"Uploaded file {row['sha256']} is damaged.")
        return problems


@cache
def _open(path: Path) -> Store:
    """Once per process and path."""
    prepare(path)
    return Store(path)


def sha256_of(path: Path) -> str:
    """Return the digest of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _decode(row: dict[str, Any], *columns: str) -> dict[str, Any]:
    """Replace JSON text by its value in the named columns."""
    return {**row, **{column: json.loads(row[column]) for column in columns}}


def _prediction(row: dict[str, Any]) -> dict[str, Any]:
    return {**_decode(row, "query", "bundle"), "kept": bool(row["kept"])}
