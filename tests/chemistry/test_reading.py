"""Many molecules at once: bad rows, rows that end a worker, order."""

import sys

import pytest

from core.chemistry import reading
from core.chemistry.client import Workers
from core.chemistry.values import Molecule
from core.errors import InputError

CODE = """
import os, time
from core.chemistry import worker
prepare = worker.FUNCTIONS["prepare"]
def odd(texts, **options):
    for text in texts:
        if text == "CCCCCC":
            os._exit(3)
        if text.startswith("N"):
            time.sleep(30)
    return prepare(texts, **options)
worker.serve({"prepare": odd})
"""


@pytest.fixture(scope="module")
def workers():
    odd = Workers([sys.executable, "-c", CODE], limit_s=1.0)
    yield odd
    odd.close()


@pytest.fixture(autouse=True)
def forget(monkeypatch):
    monkeypatch.setattr(reading, "_memory", reading._Memory())


def codes(answers):
    return [one.code if isinstance(one, InputError) else one.structure.smiles for one in answers]


def test_order_repeats_and_bad_rows(workers):
    texts = ["OCC", "C1CC(", "", "aspirin", "CCO", "OCC", "C" * 20_000, "C(C)(C)(C)(C)C"]
    found = reading.read_many(texts, workers=workers)
    assert codes(found) == [
        "CCO", "MO-E01", "MO-E01", "MO-E09", "CCO", "CCO", "MO-E03", "MO-E01",
    ]  # fmt: skip
    assert found[0] is found[5]


def test_a_row_that_ends_its_worker_costs_only_itself(workers):
    texts = [*("C" * n for n in range(1, 6)), "CCCCCC", "CCCCCCC"]
    found = reading.read_many(texts, workers=workers)
    assert [isinstance(one, Molecule) for one in found] == [True] * 5 + [False, True]
    assert found[5].code == "MO-E10"


def test_many_slow_rows_are_given_up(workers, monkeypatch):
    monkeypatch.setattr(reading, "MAX_LOST", 2)
    monkeypatch.setattr(reading, "PARCEL", 3)
    texts = ["C", *("N" * n for n in range(1, 6)), "CC"]
    found = codes(reading.read_many(texts, workers=workers))
    assert found[0] == "C"
    assert found[1:6] == ["MO-E10"] * 5
    assert found[6] == "CC"


def test_answers_are_kept_and_refusals_too(workers):
    first = reading.read_many(["CCO", "C1CC"], workers=workers)
    again = reading.read_many(["C1CC", "CCO"], workers=None)
    assert again[1] is first[0]
    assert str(again[0]) == str(first[1])
    other = reading.read_many(["CCO"], workers=workers, standardise=False)
    assert other[0] is not first[0]


def test_progress_is_told(workers):
    told = []
    reading.read_many(
        ["C" * n for n in range(1, 46)], workers=workers, report=lambda *one: told.append(one)
    )
    assert told == [(20, 45), (40, 45), (45, 45)]


def test_the_package_reads_through_its_own_workers():
    from core import chemistry

    (found,) = chemistry.read_many(["OCC"])
    assert found.structure.smiles == "CCO"
    assert chemistry.environments("C") == [(found_bit("C"), frozenset([0]))]
    svg = chemistry.atom_picture("CCO", [1.0, 0.0, -0.5], "ethanol")
    assert svg.count("<ellipse") == 2
    assert chemistry.write_sdf([("CCO", "x", [("a", "b")])] * 60).count("$$$$") == 60


def found_bit(smiles):
    from core.chemistry.preparation import find_environments

    return find_environments(smiles)[0][0]
