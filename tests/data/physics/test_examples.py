import numpy as np
import pytest

from core.data.physics.examples import EXAMPLES
from core.data.physics.simulators import simulate, truth


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_true_law_explains_an_example_up_to_its_noise(name):
    example = EXAMPLES[name]
    assert example.question.endswith("?")
    system = simulate(example.simulator, **example.settings)
    left = system.target.values - truth(example.simulator).evaluate(system)
    share = left.std() / system.target.values.std()
    assert share == pytest.approx(example.settings["noise"], rel=0.1, abs=1e-9)
    assert np.isfinite(system.target.values).all()
