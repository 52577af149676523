"""The only reader of environment variables.

| variable | default | meaning |
|---|---|---|
| PARSIMONY_HOME | ``var`` | database, uploads, data sets, checkpoints, logs |
| PARSIMONY_TRAINED | ``trained`` | the artifacts that are served |
| PARSIMONY_MIRROR | ``../shared/data`` when it exists | a local folder with the data sets' files |
| PARSIMONY_DEVICE | ``auto`` | ``cpu``, ``cuda`` or ``auto`` (CUDA when a GPU is there) |
| PARSIMONY_WORKERS | 1 | worker processes started by ``python -m core serve`` |
| PARSIMONY_PORT | 8501 | port of the web server |
"""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Environment of the processes we start. One thread per numeric library: parallelism comes from
# several requests and jobs. Buffers come from two heaps that keep up to 64 MB each (glibc) instead
# of being mapped and unmapped for every answer.
PROCESS_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 26),
    "MALLOC_ARENA_MAX": "2",
}


@dataclass(frozen=True)
class Settings:
    """Where things lie and what may be used.

    Attributes:
        home: folder of everything the application writes.
        trained: folder of the served artifacts.
        mirror: local folder with data set files, or None.
        device: ``cpu``, ``cuda`` or ``auto``.
        num_workers: worker processes for jobs.
        port: TCP port of the web server.
    """

    home: Path
    trained: Path
    mirror: Path | None
    device: str
    num_workers: int
    port: int

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.home / "parsimony.db"


@cache
def settings() -> Settings:
    """Read the environment once per process."""
    mirror = os.environ.get("PARSIMONY_MIRROR")
    default_mirror = ROOT.parent / "shared" / "data"
    return Settings(
        home=Path(os.environ.get("PARSIMONY_HOME", ROOT / "var")).resolve(),
        trained=Path(os.environ.get("PARSIMONY_TRAINED", ROOT / "trained")).resolve(),
        mirror=Path(mirror) if mirror else (default_mirror if default_mirror.is_dir() else None),
        device=os.environ.get("PARSIMONY_DEVICE", "auto"),
        num_workers=int(os.environ.get("PARSIMONY_WORKERS", "1")),
        port=int(os.environ.get("PARSIMONY_PORT", "8501")),
    )
