"""The database: runs, artifacts, predictions, uploads, jobs; results are addressed by their id.

`database` is the SQLite file (schema, connections, damage, errors in words), `records` what is
kept in it and beside it, `backup` copies both and puts a copy back.
"""

from core.store.backup import back_up, restore
from core.store.records import Store, UploadRecord, make_id

__all__ = ["Store", "UploadRecord", "back_up", "make_id", "restore"]
