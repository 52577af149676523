"""Evidence Bundle 1.0: round trip, schema, references, limits."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from core.errors import InputError
from core.evidence.bundle import (
    SCHEMA,
    Answer,
    Bundle,
    Confidence,
    Cost,
    Data,
    Edit,
    Environment,
    EvidenceItem,
    Model,
    Place,
    Provenance,
    Reduced,
    validate,
)
from core.evidence.evidence import Outcome
from core.evidence.faithfulness import check_evidence


def example() -> Bundle:
    check = check_evidence(
        lambda overlays: [Outcome(v, 1.0) for v in (0.9, 0.2, 0.9, 0.0, 0.9)][: len(overlays)],
        frozenset({(0, 1, 2)}),
        [frozenset({(3, 1, 4)})],
    )
    return Bundle(
        id="abc",
        domain="kg",
        created="2026-11-21T03:00:00Z",
        query={"head": "id-1482", "relation": "son of", "top": 10},
        answer=Answer("id-1480", "entity", 0.91, "probability", 1.0, 3007, False),
        model=Model("redgnn-family", "1", "0" * 64, 190_000, None),
        data=Data("family", "1", "1" * 64, "MIT"),
        evidence=(
            EvidenceItem(
                "e1", "edge", "A brother of B", "n1", "n2", "brother of", 0.69, "deletion effect",
                Provenance("Family", "MIT", "https://example.org", "2026-11-01"), "path 1", 1,
                ("id-1482", "brother", "id-1432"),
            ),
            EvidenceItem("e2", "edge", "B son of C", "n2", "n3", "son of", fact=(1, 2, 3)),
        ),
        layout=(
            Place("n1", "A", "person", "query", 0, 0.0, 1.5),
            Place("n2", "B", layer=1),
            Place("n3", "C", role="answer", layer=2),
        ),
        confidence=Confidence("conformal", ("id-1480",), 0.9, 0.887, "yes", "seen in training"),
        check=check.to_json(),
        minimal=Reduced(("e1",), 0.9, ("e2",), (0.9,), True, ()),
        overlay=(Edit("remove", ("a", "r", "b")),),
        cost=Cost(38.5, 0.01, "estimated", "2 cores"),
        env=Environment("0.1.0", {"numpy": "2.0"}),
        seed=0,
    )  # fmt: skip


def test_round_trip_of_a_full_bundle():
    bundle = example()
    text = bundle.dumps()
    assert Bundle.loads(text) == bundle
    assert Bundle.loads(text).dumps() == text
    assert json.loads(text)["bundle_version"] == "1.0"
    assert list(json.loads(text)) == sorted(json.loads(text))


def test_every_field_of_the_format_is_present():
    value = example().to_json()
    assert set(value) == {
        "bundle_version", "id", "domain", "created", "query", "answer", "confidence", "evidence",
        "layout", "check", "minimal", "overlay", "model", "data", "cost", "env", "seed",
        "signature",
    }  # fmt: skip
    assert set(value["answer"]) == {
        "value", "kind", "score", "score_kind", "rank", "n_candidates", "known",
    }  # fmt: skip
    assert set(value["confidence"]) == {
        "calibration", "set", "level", "coverage_measured", "domain_flag", "domain_reason",
    }  # fmt: skip
    assert set(value["evidence"][0]) == {
        "id", "kind", "label", "source", "target", "relation", "weight", "weight_kind",
        "provenance", "group", "layer", "fact",
    }  # fmt: skip
    assert set(value["layout"][0]) == {"id", "x", "y", "layer", "label", "type", "role"}
    assert set(value["check"]["control"]) >= {"k", "median", "p05", "p95"}
    assert set(value["model"]) == {"name", "version", "sha256", "params", "params_adapted"}
    assert set(value["data"]) == {"name", "version", "sha256", "licence"}
    assert set(value["cost"]) == {"latency_ms", "energy_wh", "energy_kind", "machine"}
    assert set(value["env"]) == {"app_version", "packages"}


def test_the_schema_itself_is_valid_and_requires_what_the_classes_write():
    schema = json.loads(SCHEMA.read_text())
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    value = example().to_json()
    assert set(schema["required"]) == set(value)
    for key in value:
        with pytest.raises(InputError, match="EB-E01"):
            validate({name: entry for name, entry in value.items() if name != key})


words = st.text(max_size=20)
numbers = st.floats(-1e6, 1e6) | st.none()


@st.composite
def bundles(draw):
    ids = draw(st.lists(st.text("abcdef<>&é", min_size=1, max_size=6), unique=True, max_size=5))
    places = tuple(
        Place(
            name, draw(words), draw(words), draw(st.sampled_from(["query", "answer", "other"])),
            draw(st.integers(0, 9)), draw(numbers), draw(numbers),
        )
        for name in ids
    )  # fmt: skip
    ends = st.sampled_from([*ids, ""])
    items = tuple(
        EvidenceItem(
            f"e{row}", draw(st.sampled_from(["edge", "path", "term"])), draw(words), draw(ends),
            draw(ends), draw(words), draw(numbers), draw(words),
            Provenance(draw(words), draw(words)), draw(words),
            draw(st.integers(0, 5) | st.none()),
            tuple(draw(st.lists(words | st.integers(0, 99), max_size=3))),
        )
        for row in range(draw(st.integers(0, 4)))
    )  # fmt: skip
    return replace(
        example(),
        query=draw(st.dictionaries(words, words | st.integers() | st.booleans() | st.none())),
        answer=Answer(
            draw(words), draw(words), draw(numbers), known=draw(st.none() | st.booleans())
        ),
        evidence=items,
        layout=places,
        check=None,
        minimal=None,
        seed=draw(st.integers() | st.none()),
    )


@settings(max_examples=60, deadline=None)
@given(bundles())
def test_round_trip_of_any_bundle(bundle):
    assert Bundle.loads(bundle.dumps()) == bundle


def test_broken_references_and_repeated_ids_are_refused():
    bundle = example()
    lost = replace(bundle, layout=bundle.layout[:2])
    with pytest.raises(InputError, match='Evidence "e2" refers to "n3"'):
        validate(lost)
    validate(replace(bundle, layout=()))
    twice = replace(bundle, evidence=(bundle.evidence[0],) * 2, minimal=None)
    with pytest.raises(InputError, match="Two entries of evidence have the same id"):
        validate(twice)
    for name in ("ids", "removed", "second"):
        wrong = replace(bundle, minimal=replace(bundle.minimal, **{name: ("e9",)}))
        with pytest.raises(InputError, match=rf"minimal\.{name} refers to evidence"):
            validate(wrong)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_must_be_finite(value):
    bundle = replace(example(), query={"x": [1, {"y": value}]})
    with pytest.raises(InputError, match="not finite"):
        validate(bundle)
    with pytest.raises(InputError, match="not finite"):
        Bundle.loads(json.dumps(bundle.to_json()))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("bundle_version",), "1.1"),
        (("domain",), "art"),
        (("created",), "yesterday"),
        (("answer", "known"), "yes"),
        (("evidence", 0, "kind"), "guess"),
        (("layout", 0, "role"), "boss"),
        (("check", "verdict"), "TRUE"),
        (("check", "rho_keep"), 1.6),
        (("minimal", "level"), 1.1),
        (("overlay", 0, "op"), "drop"),
        (("model", "extra"), 1),
    ],
)
def test_values_outside_the_format_are_refused_with_their_place(path, value):
    tree = json.loads(example().dumps())
    inner = tree
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(InputError, match=r"EB-E01 · Not an evidence bundle"):
        Bundle.loads(json.dumps(tree))


def test_at_most_one_megabyte():
    big = replace(example(), query={"text": "x" * 1_000_000})
    with pytest.raises(InputError, match=r"EB-E02.* 1\.0 MB; the limit is 1 MB"):
        big.dumps()
    with pytest.raises(InputError, match="EB-E02"):
        Bundle.loads('{"a": "' + "é" * 500_001 + '"}')
    room = 1_000_000 - len(example().dumps()) - 200
    assert len(replace(example(), query={"text": "x" * room}).dumps()) <= 1_000_000


@pytest.mark.parametrize("text", ["", "[1]", "nul", '{"a":', "[" * 100_000, "3"])
def test_files_that_are_no_bundle(text):
    with pytest.raises(InputError, match="EB-E01"):
        Bundle.loads(text)


@pytest.mark.parametrize("depth", [985, 50_000])
def test_a_deeply_nested_question_is_refused_without_a_crash(depth):
    nested = []
    for _ in range(depth):
        nested = [nested]
    value = example().to_json()
    value["query"] = {"top": nested}
    with pytest.raises(InputError, match="EB-E01"):
        validate(value)
