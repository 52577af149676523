import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.uploads import (
    GraphUpload,
    Limits,
    RowProblem,
    example_graph_file,
    parse_graph_upload,
    preview_upload,
)
from core.errors import InputError


def test_hostile_names_stay_text(parse, facts):
    names = [
        "<img src=x onerror=document.title='X'>",
        '"><script>alert(1)</script>',
        '=HYPERLINK("http://x","y")',
        "javascript:alert(1)",
        "n" * 5000,
        "\u202eright to left\u202c שלום",
        "{curly}",
        "[Ca2+]",
    ]
    for first in names:  # whatever comes first must not change how the file is read
        order = [first, *[name for name in names if name != first]]
        upload = parse("".join(f"{name}\tlinks to\tcentre\n" for name in order))
        assert [head for head, _, _ in facts(upload)] == order
        assert upload.kind == "table"


def test_bad_rows_are_skipped_with_their_line_numbers(parse, facts):
    text = (
        "head\trelation\ttail\n"
        "a\tr\tb\n"
        "\n"
        "only\ttwo\n"
        "a\t\tb\n"
        "a\tr\tb\textra\n"
        "a\tr\tb\n"
        "c\tr\tc\n"
        f"{'x' * 5001}\tr\tb\n"
    )
    upload = parse(text)
    assert facts(upload) == [("a", "r", "b"), ("c", "r", "c")]
    assert upload.problems == (
        RowProblem(4, "only | two", "has 2 columns; I need head, relation, tail"),
        RowProblem(5, "a |  | b", "has no name as relation"),
        RowProblem(6, "a | r | b | extra", "has 4 columns; I need head, relation, tail"),
        RowProblem(9, "x" * 79 + "…", "has 5,001 characters (at most 5,000) as head"),
    )
    assert (upload.num_rows, upload.num_skipped) == (7, 4)
    assert (upload.num_duplicates, upload.num_self_loops) == (1, 1)
    assert str(upload.notice) == (
        "KG-E05 · Not a triple. Line 4 has 2 columns; I need head, relation, tail. "
        "4 such lines were skipped – download the list."
    )
    assert upload.summary == (
        "2 facts, 3 entities, 1 relations read. 1 repeated rows were kept once. "
        "1 facts link an entity to itself."
    )


def test_one_skipped_line_and_a_wider_table(parse):
    upload = parse("subject,predicate,object,weight\na,r,b,1\na,r,c\n")
    assert str(upload.notice) == (
        "KG-E05 · Not a triple. Line 3 has 3 columns; the other lines have 4. "
        "1 such line was skipped – download the list."
    )


def test_only_the_first_problems_are_kept(parse):
    text = "a\tr\tb\n" * 3 + "x\ty\n" * 9
    upload = parse(text, limits=Limits(num_problems=2))
    assert [problem.line for problem in upload.problems] == [4, 5]
    assert upload.num_skipped == 9
    assert "9 such lines" in str(upload.notice)


def test_preview_shows_five_rows_before_anything_is_decided(refusal):
    text = "source,target,weight\n" + "".join(f"a{i},b{i},{i}\n" for i in range(9))
    preview = preview_upload("edges.csv", text.encode())
    assert preview.name == "edges.csv"
    assert preview.roles == {"head": 0, "tail": 1}
    assert preview.rows == tuple((f"a{i}", f"b{i}", str(i)) for i in range(5))
    assert preview.num_rows == 9
    assert refusal(text).startswith("UP-E04")


def test_source_and_name_of_the_graph(parse):
    graph = parse("a\tr\tb\n", "folder/my facts.tsv").graph
    assert graph.name == "my facts"
    assert graph.source.title == 'uploaded file "folder/my facts.tsv"'


def test_example_file_is_valid(facts):
    name, content = example_graph_file()
    upload = parse_graph_upload(name, content)
    assert name == "example-graph.csv"
    assert upload.graph.num_facts == 11
    assert ("Marie Curie", "is the mother of", "Ève Curie") in facts(upload)
    assert upload.problems == ()


@pytest.mark.parametrize("content", ["head,relation,tail\n", "head\trelation\ttail\n\n \n"])
def test_up_e05(refusal, content):
    assert refusal(content) == (
        "UP-E05 · Empty file. The file has a header but no rows. Add one fact per row."
    )


def test_up_e05_without_any_content(refusal):
    for content in ("", " \n\n", "\ufeff"):
        assert refusal(content).startswith("UP-E05 · Empty file. The file has no content.")
    for content in ("<graphml/>", '{"elements": []}', '[{"nodes": []}]'):
        assert refusal(content).startswith("UP-E05 · Empty file. The file has a header but no row")


def test_up_e06(parse, refusal):
    text = "".join(f"a\tr\tb{i}\n" for i in range(11))
    assert refusal(text, limits=Limits(num_facts=10)) == (
        "UP-E06 · Too many rows. 11 rows; the limit is 10. Filter by relation, or use the command "
        "line on a GPU."
    )
    assert parse(text, limits=Limits(num_facts=11)).graph.num_facts == 11
    statements = "".join(f"<http://a> <http://r> <http://b{i}> .\n" for i in range(12))
    assert refusal(statements, limits=Limits(num_facts=11)).startswith("UP-E06")


def test_kg_e06(parse, refusal):
    text = "".join(f"a\tr\tb{i}\n" for i in range(11))
    assert refusal(text, limits=Limits(num_entities=11)) == (
        "KG-E06 · The graph is too large for this server. 12 entities; limit 11. "
        "Filter by relation, or use the command line on a GPU."
    )
    assert parse(text, limits=Limits(num_entities=12)).graph.num_entities == 12
    edges = [{"data": {"source": "a", "target": b, "relation": "r"}} for b in "bc"]
    assert refusal(json.dumps({"elements": edges}), limits=Limits(num_facts=1)) == (
        "KG-E06 · The graph is too large for this server. 2 facts; limit 1. "
        "Filter by relation, or use the command line on a GPU."
    )


def test_kg_e05_when_no_row_is_a_fact(refusal):
    assert refusal("just some words\nand more words\n") == (
        "KG-E05 · Not a triple. Line 1 has 1 column; I need head, relation, tail. "
        "Write one fact per line, with tabs or commas between the three."
    )
    assert refusal("head,relation,tail\na,,b\nc,r,\n") == (
        "KG-E05 · Not a triple. Line 2 has no name as relation. None of the 2 rows is a fact. "
        "Write one fact per line, with tabs or commas between the three."
    )


# --- hostile text


pieces = st.lists(
    st.sampled_from(
        ["a", '"', "\\", ",", "\t", ";", "\n", "\r", "<", ">", "{", "}", "[", "]", ":", "_:b",
         "<http://x>", ".", "@en", "^^", "\\u00", "#", "<?xml?>", "<graphml>", "<edge ", "/>",
         "<!DOCTYPE", "<node id='1'>", '{"elements":', '[{"nodes":', '"edges":', "null", "1e999",
         "\ufeff", "\u2028", "\x0b", "\x1c", "head", "relation", "tail", "\U0001f600", " "]
    ),
    max_size=40,
).map("".join)  # fmt: skip


@given(st.one_of(pieces.map(str.encode), st.binary(max_size=200), st.text().map(str.encode)))
@settings(max_examples=600, deadline=None)
def test_any_bytes_give_a_graph_or_an_input_error(content):
    check_any(content)


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["nodes", "edges", "elements", "data", "id", "s", "t", "v", "i", "n", "source",
                 "target", "attributeDeclarations", "interaction", "name", "a"]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=25,
)  # fmt: skip


networks = st.one_of(
    json_values,
    json_values.map(lambda value: {"elements": value}),
    st.lists(json_values, max_size=3).map(lambda values: [{"CXVersion": "2.0"}, *values]),
)


@given(networks)
@settings(max_examples=600, deadline=None)
def test_any_json_gives_a_graph_or_an_input_error(value):
    check_any(json.dumps(value).encode())


def check_any(content):
    try:
        upload = parse_graph_upload("x", content)
    except InputError as error:
        code, text = error.code, str(error)
    else:
        check_upload(upload)
        return
    assert re.fullmatch(r"UP-E0[1-7]|KG-E0[56]", code)
    assert text.startswith(f"{code} · ")


def check_upload(upload):
    assert isinstance(upload, GraphUpload)
    assert upload.graph.num_facts >= 1
    assert all(upload.graph.entities)
    used = upload.num_rows - upload.num_skipped - upload.num_duplicates
    assert used == upload.graph.num_facts
    json.dumps(upload.graph.to_json(), ensure_ascii=False).encode("utf-8")
