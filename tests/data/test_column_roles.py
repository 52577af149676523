import pytest

from core.data.column_roles import ROLE_WORDS
from core.data.uploads import preview_upload


@pytest.mark.parametrize(
    ("header", "order"),
    [
        ("head,relation,tail", (0, 1, 2)),
        ("Subject,Predicate,Object", (0, 1, 2)),
        ("source,target,label", (0, 2, 1)),
        ("From,To,Type", (0, 2, 1)),
        ("tail,rel,head", (2, 1, 0)),
        ("s,p,o", (0, 1, 2)),
        ("Head ID,edge_type,Tail-ID", (0, 1, 2)),
        ("source,effect,target", (0, 1, 2)),
    ],
)
def test_headers_give_the_roles(parse, facts, header, order):
    upload = parse(f"{header}\nx,y,z\n")
    head, relation, tail = ("xyz"[i] for i in order)
    assert facts(upload) == [(head, relation, tail)]
    assert upload.preview.header
    assert upload.preview.columns == tuple(header.split(","))
    assert upload.num_rows == 1


def test_further_columns_are_ignored_and_columns_can_be_chosen(parse, facts):
    text = "id;subject;score;predicate;object\n1;a;0.5;r;b\n2;b;0.25;q;c\n"
    assert facts(parse(text)) == [("a", "r", "b"), ("b", "q", "c")]
    chosen = parse(text, columns={"head": "object", "tail": 1})
    assert facts(chosen) == [("b", "r", "a"), ("c", "q", "b")]
    assert chosen.preview.roles == {"head": 4, "relation": 3, "tail": 1}


def test_a_header_with_unknown_words_can_be_declared(parse, facts):
    text = "gene,effect,disease\nG1,causes,D1\n"
    assert facts(parse(text)) == [("gene", "effect", "disease"), ("G1", "causes", "D1")]
    columns = {"head": "gene", "relation": "effect", "tail": "disease"}
    assert facts(parse(text, header=True, columns=columns)) == [("G1", "causes", "D1")]
    assert preview_upload("x", text.encode(), header=True).columns == ("gene", "effect", "disease")
    assert facts(parse("head,relation,tail\n", header=False)) == [("head", "relation", "tail")]


def test_up_e04(refusal):
    text = "gene id,subject,predicate,object\n1,a,r,b\n"
    expected = (
        "UP-E04 · Column missing. I need the columns head, relation, tail; I found gene id, "
        "subject, predicate, object. Choose which is which below."
    )
    assert refusal(text, columns={"head": "gene"}) == expected
    assert refusal(text, columns={"head": 4}) == expected
    assert refusal(text, columns={"head": -1}) == expected
    assert refusal(text, columns={"weight": 0}) == expected
    assert refusal(text, columns={"head": "subject", "tail": "subject"}) == expected
    assert refusal("from,to\na,b\n") == (
        "UP-E04 · Column missing. I need the columns head, relation, tail; I found from, to. "
        "Choose which is which below."
    )


def test_role_words_never_name_two_roles():
    words = [word for group in ROLE_WORDS.values() for word in group]
    assert len(words) == len(set(words))
