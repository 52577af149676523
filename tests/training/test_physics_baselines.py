import pytest

from core.data.physics.simulators import simulate
from core.errors import InputError
from core.training.physics_baselines import FULL_GN, SYM_DL, fit_baseline


def parts(name, num_graphs):
    return simulate(name, num_graphs=num_graphs, seed=0).split((0.6, 0.2, 0.2), 0)


@pytest.mark.parametrize("baseline", [SYM_DL, FULL_GN])
def test_baselines_learn_heat_conduction_within_their_budget(baseline):
    share, used = fit_baseline(baseline, parts("heat", 300), seconds=1.0, seed=0)
    assert 0.3 < share <= 1
    assert used < 2.5


def test_only_the_full_block_answers_about_whole_graphs():
    with pytest.raises(InputError, match="nodes only"):
        fit_baseline(SYM_DL, parts("circuit", 40), seconds=0.1, seed=0)
    share, _ = fit_baseline(FULL_GN, parts("circuit", 40), seconds=0.1, seed=0)
    assert share < 1
