"""A person's expression and prior, kept for a session and for the jobs that learn from them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.data.regulation.reading import Reading, summarise
from core.data.regulation.scaling import Scaling
from core.errors import DataError, InputError
from core.knowledge.regulation import Expression, Network, Trajectory
from core.serving import packed_arrays
from core.store import Store

KIND = "grn"  # of uploads


@dataclass(frozen=True, eq=False)
class Upload:
    """What was uploaded, as it was confirmed.

    Attributes:
        name: of the file with the expression, for display only.
        expression: scaled to about 0 to 1.
        prior: over the same genes.
        partners: likewise, symmetric; None when there are none.
        scaling: what was done to the measured values.
        time_unit: such as ``min``; empty when the file states none.
    """

    name: str
    expression: Expression
    prior: Network
    partners: Network | None
    scaling: Scaling
    time_unit: str

    @property
    def summary(self) -> str:
        """In one sentence."""
        return summarise(self.expression, self.prior, self.partners)


def keep(reading: Reading, name: str) -> str:
    """Store what a person has confirmed; returns its id.

    Args:
        reading: without blocking findings.
        name: of the file, for display only.

    Raises:
        InputError: the first blocking finding.
    """
    reading.need()
    upload = Upload(
        name, reading.expression, reading.prior, reading.partners, reading.scaling,
        reading.time_unit,
    )  # fmt: skip
    summary = {
        "title": upload.summary, "genes": len(upload.expression.genes),
        "samples": len(upload.expression.samples), "edges": upload.prior.num_edges,
    }  # fmt: skip
    return Store.open().save_upload(name=name, content=pack(upload), kind=KIND, summary=summary)


def load(upload_id: str) -> Upload:
    """What was kept under an id.

    Raises:
        InputError: GR-E20 when it is no longer there, or damaged.
    """
    found = Store.open().find_upload(upload_id)
    if found is None or found.kind != KIND or not found.path.is_file():
        raise _forgotten()
    return unpack(found.path.read_bytes(), found.name)


def pack(upload: Upload) -> bytes:
    """An upload as one file: arrays without pickles, and a header in JSON."""
    arrays = {"low": upload.scaling.low, "high": upload.scaling.high}
    for k, sample in enumerate(upload.expression.samples):
        arrays |= {f"t{k}": sample.times, f"x{k}": sample.values}
    for key, network in (("prior", upload.prior), ("partners", upload.partners)):
        if network is not None:
            places = np.argwhere(network.matrix)
            arrays |= {key: places, f"{key}_weights": network.matrix[tuple(places.T)]}
    header = {
        "genes": upload.expression.genes,
        "num_samples": len(upload.expression.samples),
        "signed": upload.prior.signed,
        "log": upload.scaling.log,
        "time_unit": upload.time_unit,
    }
    return packed_arrays.pack(header, arrays)


def unpack(content: bytes, name: str) -> Upload:
    """Inverse of `pack`.

    Raises:
        InputError: GR-E20 when the file is damaged.
    """
    try:
        header, arrays = packed_arrays.unpack(content)
        genes = tuple(header["genes"])
        samples = tuple(
            Trajectory(arrays[f"t{k}"], arrays[f"x{k}"]) for k in range(header["num_samples"])
        )
        scaling = Scaling(arrays["low"], arrays["high"], header["log"])
        prior = _network(arrays, "prior", genes, signed=header["signed"])
        partners = None
        if "partners" in arrays:
            partners = _network(arrays, "partners", genes, signed=False)
    except (DataError, KeyError, TypeError, ValueError) as error:
        raise _forgotten() from error
    return Upload(name, Expression(genes, samples), prior, partners, scaling, header["time_unit"])


def _network(
    arrays: Mapping[str, np.ndarray], key: str, genes: tuple[str, ...], *, signed: bool
) -> Network:
    matrix = np.zeros((len(genes), len(genes)), np.float32)
    matrix[tuple(arrays[key].T)] = arrays[f"{key}_weights"]
    return Network(genes, matrix, signed)


def _forgotten() -> InputError:
    return InputError(
        "GR-E20",
        "Data are gone",
        "The uploaded expression of this question is no longer on the server, or damaged.",
        "Upload it again.",
    )
