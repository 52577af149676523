"""The one place that opens ONNX Runtime sessions.

On the CPU every session runs with one intra-op thread: with more, ONNX Runtime's ScatterND(add)
adds into the same rows from several threads without synchronisation and gives wrong sums (measured
with 1.31.1; errors up to 0.09 in the scores of a three-layer model, no warning). One thread is also
the fastest arrangement for sorted edges. Several requests run side by side in several threads
instead; a session may be shared by all of them.
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from core.errors import ArtifactError
from core.settings import settings

try:
    import onnxruntime
except ImportError as error:
    raise ArtifactError(
        "ONNX Runtime is not installed. Install one of the two extras: pip install '.[cpu]' or, on "
        "a machine with an NVIDIA GPU, pip install '.[gpu]'."
    ) from error

log = logging.getLogger(__name__)
_sessions: dict[tuple[str, str], "Session"] = {}
_lock = threading.Lock()


class Session:
    """A model ready to run; safe to use from several threads.

    Args:
        model: path of the file or its content.
        device: ``cpu``, ``cuda`` or ``auto``.
    """

    def __init__(self, model: Path | bytes, device: str = "auto") -> None:
        self._content = model.read_bytes() if isinstance(model, Path) else model
        self._device = device
        self._session = _open(self._content, device)
        self._opening = threading.Lock()
        self._keeping: onnxruntime.InferenceSession | None = None

    @property
    def provider(self) -> str:
        """The execution provider that really runs, such as ``CPUExecutionProvider``."""
        return self._session.get_providers()[0]

    @property
    def threads(self) -> int:
        """Intra-op threads."""
        return self._session.get_session_options().intra_op_num_threads

    def run(
        self, feeds: Mapping[str, np.ndarray], outputs: Sequence[str], *, keep_memory: bool = False
    ) -> list[np.ndarray]:
        """Values of `outputs` for the named inputs.

        Args:
            feeds: arrays by input name.
            outputs: names wanted.
            keep_memory: run where buffers stay allocated between runs. On graphs of half a million
                edges fresh pages for every message cost more than the arithmetic (FB15k-237: 254
                against 108 ms); the price is about 230 MB, paid only once such a graph is asked.
        """
        session = self._keeping_session() if keep_memory else self._session
        return session.run(list(outputs), dict(feeds))

    def _keeping_session(self) -> onnxruntime.InferenceSession:
        with self._opening:
            if self._keeping is None:
                self._keeping = _open(self._content, self._device, keep_memory=True)
            return self._keeping


def open_session(model: Path, sha256: str) -> Session:
    """The cached session of a model file.

    Args:
        model: path of model.onnx.
        sha256: checksum of its content, part of the cache key so that a new file is loaded anew.
    """
    key = str(model), sha256
    with _lock:
        if key not in _sessions:
            _sessions[key] = Session(model, settings().device)
        return _sessions[key]


def _open(
    content: bytes, device: str, *, keep_memory: bool = False
) -> onnxruntime.InferenceSession:
    wants_cuda = device in ("auto", "cuda") and _cuda_is_there()
    if device == "cuda" and not wants_cuda:
        raise ArtifactError(
            "PARSIMONY_DEVICE is cuda, but ONNX Runtime sees no CUDA device. Install the gpu extra "
            "on a machine with an NVIDIA driver, or set PARSIMONY_DEVICE to auto or cpu."
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = (
        keep_memory  # off: 209 instead of 1,184 MB after two large graphs
    )
    options.enable_mem_pattern = not keep_memory  # sizes change with every question
    options.log_severity_level = 3
    providers = ["CUDAExecutionProvider"] * wants_cuda + ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(content, options, providers=providers)
    if wants_cuda and session.get_providers()[0] != "CUDAExecutionProvider":
        if device == "cuda":
            raise ArtifactError(
                "The CUDA provider of ONNX Runtime could not start (missing CUDA 13 or cuDNN 9 "
                "libraries?). Install '.[gpu]' afresh, or set PARSIMONY_DEVICE to auto."
            )
        log.warning("CUDA provider could not start; this model runs on the CPU.")
    return session


def _cuda_is_there() -> bool:
    """A driver's device file and a CUDA build; the list of providers alone proves nothing."""
    listed = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    return listed and (Path("/dev/nvidiactl").exists() or Path("/dev/dxg").exists())
