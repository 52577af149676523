import numpy as np
import pytest

from core.data.physics.examples import EXAMPLES, load_example
from core.data.physics.simulators import truth
from core.errors import UnknownName


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_true_law_explains_an_example_up_to_its_noise(name):
    example = EXAMPLES[name]
    assert example.question.endswith("?")
    system = load_example(name)
    left = system.target.values - truth(example.simulator).evaluate(system)
    share = left.std() / system.target.values.std()
    assert share == pytest.approx(example.settings["noise"], rel=0.1, abs=1e-9)
    assert np.isfinite(system.target.values).all()


def test_an_unknown_example():
    with pytest.raises(UnknownName, match="PH-E10"):
        load_example("spring")
