"""Expression over time beside the measurements."""

import numpy as np
import pytest

from core.serving import grn_fit
from core.serving.grn_model import RegulationModel
from tests.serving import toy_regulation as toy
from tests.serving.toy_regulation import GENES


@pytest.fixture(scope="module")
def network(tmp_path_factory) -> RegulationModel:
    return RegulationModel(toy.write(tmp_path_factory.mktemp("trained")))


def test_the_model_follows_what_was_measured_and_departs_without_the_edge(network):
    samples = grn_fit.held_out(network)
    assert {sample.part for sample in samples} == {"test"}
    found = grn_fit.fit(network, GENES.index("R1"), GENES.index("T1"), samples[0])
    assert found.gene == "T1"
    assert [time for time, _ in found.measured] == [0.0, 1.0, 2.0, 4.0]
    model, without = dict(found.model), dict(found.without)
    assert list(model) == list(without)
    errors = [abs(model[time] - value) for time, value in found.measured]
    assert max(errors) < 6 * toy.NOISE
    apart = [abs(model[time] - without[time]) for time in model]
    assert apart[0] == 0
    assert max(apart) > 0.02


def test_the_table_keeps_measured_values_at_their_times(network):
    sample = grn_fit.held_out(network)[0]
    sample.trajectory.values[1, GENES.index("T2")] = np.nan
    found = grn_fit.fit(network, GENES.index("R1"), GENES.index("T2"), sample)
    header, rows = grn_fit.fit_cells(found)
    assert header == ("time", "measured", "model", "without the edge")
    measured = [row[0] for row in rows if row[1] is not None]
    assert measured == [0.0, 2.0, 4.0]
    assert len(rows) >= grn_fit.NUM_POINTS
