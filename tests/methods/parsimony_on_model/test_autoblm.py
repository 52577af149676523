import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from core.configs import AutoBlmConfig, autoblm_config
from core.errors import Cancelled, InputError
from core.knowledge.blocks import NAMED, BlockStructure
from core.methods.parsimony_on_model.autoblm import _Bench, fit, read_structure
from core.training.evaluate import KnownAnswers, LinkTask, rank_triples, score_bilinear

SMALL = AutoBlmConfig(
    budget=14, search_epochs=3, dim=16, n3_weights=(0.003,), batch_size=8, num_epochs=5,
    num_parallel=7,
)  # fmt: skip


def follows(num=24):
    """after(X, Y) on a ring and its inverse before(Y, X): a symmetric function cannot tell them."""
    after = np.array([(i, 0, (i + 1) % num) for i in range(num)])
    before = np.stack([after[:, 2], after[:, 1] + 1, after[:, 0]], 1)
    facts = np.concatenate([after, before[: num // 2]])
    known = np.concatenate([after, before])
    return LinkTask(num, 2, facts, before[num // 2 : -4], known), before[-4:]


def mrr(fitted, task, triples):
    known = KnownAnswers(task.known, task.num_entities, task.num_relations)
    return rank_triples(
        score_bilinear(fitted.network), triples, known, task.num_relations, 50
    ).summary()["mrr"]


def test_a_directed_relation_is_learned_by_complex_and_not_by_distmult():
    task, test = follows()
    config = replace(SMALL, num_epochs=40, patience=40)
    complex_, distmult = (
        mrr(fit(task, replace(config, structure=name), seed=0), task, test)
        for name in ("ComplEx", "DistMult")
    )
    assert complex_ >= 0.9
    assert distmult <= 0.7  # before and after tie at best: rank 1.5


@pytest.fixture(scope="module")
def searched():
    task, _ = follows()
    return fit(task, SMALL, seed=0)


def test_a_search_ends_at_its_best_structure_and_never_below_a_named_one(searched):
    knowledge, history = searched.knowledge, searched.history
    assert len(knowledge["trials"]) == SMALL.budget
    forms = {BlockStructure.from_json(row["structure"]).canonical() for row in knowledge["trials"]}
    assert len(forms) == SMALL.budget
    assert {one.canonical() for one in NAMED.values()} <= forms
    kept = history.epochs[history.best_epoch - 1]["selection"]
    finalists = {str(row["structure"]): row["valid_mrr"] for row in knowledge["finalists"]}
    assert {row["name"] for row in knowledge["finalists"]} >= set(NAMED)
    assert finalists[str(knowledge["structure"])] == kept == max(finalists.values())
    sizes = [row["num_blocks"] for row in knowledge["pareto"]]
    assert sizes == sorted(sizes)
    assert knowledge["pareto"][-1]["valid_mrr"] == max(
        row["valid_mrr"] for row in knowledge["trials"]
    )
    assert searched.network.structures.shape == (1, 4, 4, 4)
    assert searched.num_parameters == (24 + 2) * 16
    assert history.seconds > sum(row["seconds"] for row in knowledge["trials"])
    task, _ = follows()
    assert mrr(searched, task, task.valid) == pytest.approx(kept)


def test_an_interrupted_search_and_training_go_on_with_the_same_numbers(searched, tmp_path):
    task, _ = follows()
    tried = []

    def stop_at(step):
        def report(now, total, _text, **values):
            assert total == SMALL.budget + SMALL.num_epochs
            tried.extend(values)
            if now >= step:
                raise Cancelled("stopped")

        return report

    for step in (7, SMALL.budget + 2):
        with pytest.raises(Cancelled):
            fit(task, SMALL, seed=0, report=stop_at(step), checkpoint=tmp_path / "x-0.pt")
    again = fit(task, SMALL, seed=0, checkpoint=tmp_path / "x-0.pt")
    assert {"score", "best", "valid_mrr", "ComplEx"} <= set(tried)
    assert torch.equal(again.network.entities, searched.network.entities)
    for key in ("structure", "finalists"):
        assert again.knowledge[key] == searched.knowledge[key]
    mine, theirs = ([row["valid_mrr"] for row in one.knowledge["trials"]]
                    for one in (again, searched))  # fmt: skip
    assert mine == theirs
    assert again.history.seconds > sum(row["seconds"] for row in again.knowledge["trials"])
    names = sorted(path.name for path in tmp_path.iterdir())
    other = fit(task, replace(SMALL, structure="CP"), seed=0, checkpoint=tmp_path / "x-0.pt")
    assert other.knowledge["structure"] == NAMED["CP"].to_json()
    assert len(list(tmp_path.iterdir())) == len(names) + 1 == 3


def test_all_answers_of_a_question_are_in_one_batch_and_nothing_is_lost():
    task, _ = follows()
    bench = _Bench(replace(task, background=task.valid), SMALL, 0, torch.device("cpu"))
    batches = [batch.numpy() for batch in bench.batches(0)]
    everything = np.concatenate(batches)
    assert sorted(map(tuple, everything.tolist())) == sorted(map(tuple, bench.triples.tolist()))
    assert len(everything) == 2 * (len(task.facts) + len(task.valid))
    asked = [{(h, r) for h, r, _ in batch.tolist()} for batch in batches]
    assert max(map(len, asked)) == SMALL.batch_size
    assert sum(map(len, asked)) == len(set().union(*asked))
    other = np.concatenate([batch.numpy() for batch in bench.batches(1)])
    assert (other != everything).any()


def test_many_scores_are_held_for_few_structures_at_once():
    task, _ = follows()
    large = replace(task, num_entities=40_000)
    assert _Bench(large, replace(SMALL, batch_size=400), 0, torch.device("cpu")).num_parallel == 1
    assert _Bench(task, SMALL, 0, torch.device("cpu")).num_parallel == 7


def test_the_weight_of_n3_that_validates_best_is_taken():
    task, _ = follows()
    config = replace(SMALL, structure="ComplEx", n3_weights=(30.0, 0.003), search_epochs=30)
    assert fit(task, config, seed=0).knowledge["n3"] == 0.003


def test_progressive_search_adds_two_blocks_a_level():
    task, _ = follows()
    config = replace(SMALL, algorithm="progressive", budget=20, num_parallel=2)
    config = replace(config, search_epochs=1, num_epochs=1)
    rows = fit(task, config, seed=0).knowledge["trials"]
    sizes = [row["num_blocks"] for row in rows[9:]]
    assert sizes == sorted(sizes)
    assert sizes[0] == 6
    assert set(sizes) <= {6, 8, 10, 12, 14, 16}
    assert len(set(sizes)) >= 4


def test_structures_are_read_from_names_and_tables():
    table = [[0, 0, 1, 0], [0, 2, 0, 0], [0, 0, 0, 3], [4, 0, 0, 0]]
    assert read_structure("ComplEx") is NAMED["ComplEx"]
    assert read_structure(json.dumps(table)).to_json() == table
    assert autoblm_config("umls", structure=table).structure == str(table)
    for text in ("TransE", "[[1]]", "[[0,0,0,0]]", "3", str([[0] * 4] * 4)):
        with pytest.raises(InputError, match="TR-E07 · Unknown structure"):
            read_structure(text)


def test_what_cannot_be_fitted_is_said():
    task, _ = follows()
    with pytest.raises(InputError, match=r"TR-E06 .*entities of its training facts only"):
        fit(replace(task, questions=task.valid), SMALL, seed=0)
    with pytest.raises(InputError, match=r'TR-E08 .*"random" is not a way to search'):
        fit(task, replace(SMALL, algorithm="random"), seed=0)
    with pytest.raises(InputError, match=r"TR-E08 .*3 structures are fewer than the \d of"):
        fit(task, replace(SMALL, budget=3), seed=0)


@pytest.mark.gpu
def test_cuda_scores_equal_cpu_scores():
    task, _ = follows()
    config = replace(SMALL, structure="ComplEx", num_epochs=2)
    heads, relations = np.arange(10), np.zeros(10, dtype=np.int64)
    here, there = (
        score_bilinear(fit(task, config, seed=0, device=device).network)(heads, relations)[0]
        for device in ("cpu", "cuda")
    )
    np.testing.assert_allclose(there, here, atol=1e-3)
