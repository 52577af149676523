import pytest
from hypothesis import given
from hypothesis import settings as options
from hypothesis import strategies as st

from core.data.graph_table import Limits
from core.data.interaction_uploads import example_network_files, read_own_network
from core.errors import InputError

DRUGS = "id,name,smiles\nA,Alpha,CO\nB,Beta,\nC,,CC\n"
FACTS = "head,relation,tail\nA,inhibits,CYP9Z9\nb,binds,CYP9Z9\nbeta,binds,CYP9Z9\n"
INTERACTIONS = "drug1,type,drug2\nAlpha,slower,B\n"


def read(drugs=DRUGS, facts=FACTS, interactions=INTERACTIONS, **options):
    files = [
        (f"{name}.csv", text.encode() if isinstance(text, str) else text)
        for name, text in (("drugs", drugs), ("facts", facts), ("interactions", interactions))
        if text is not None
    ]
    return read_own_network(*files, **options)


def refusal(**tables):
    with pytest.raises(InputError) as caught:
        read(**tables)
    return str(caught.value)


def problems(own, table):
    return [(problem.line, problem.problem) for problem in own.problems[table]]


# --- what is read


def test_drugs_come_first_and_are_found_by_id_or_name():
    own = read()
    network = own.network
    assert network.entities == ("A", "B", "C", "CYP9Z9", "b")
    assert network.entity_names == ("Alpha", "Beta", "C", "CYP9Z9", "b")
    assert network.smiles == ("CO", "", "CC")
    assert network.kinds == ("Compound", "Compound", "Compound", "Entity", "Entity")
    assert network.edges.tolist() == [[0, 0, 3], [4, 1, 3], [1, 1, 3]]
    assert [relation.name for relation in network.relations] == ["inhibits", "binds"]
    assert own.interactions.tolist() == [[0, 0, 1]]
    assert network.types[0].sentence("x", "y") == "x and y: slower"
    assert own.split.known_drugs.tolist() == [True, True, False]
    assert own.summary == ("3 drugs, 3 facts about 5 entities, 1 interactions of 1 types read.")


def test_no_interactions_are_needed():
    own = read(interactions=None)
    assert own.interactions.shape == (0, 3)
    assert own.network.types == ()
    assert not own.split.known_drugs.any()


def test_sources_and_notes_stay_with_their_facts():
    own = read(
        facts="drug\trelation\tgene\tsource\tnote\tkind\n"
        "A\tinhibits\tCYP9Z9\thttps://example.org/1\tstrong\tGene\n"
        "A\tinhibits\tCYP9Z9\tmy notes\t\tGene\n"
        "B\tbinds\tCYP9Z9\t\t\tProtein\n"
        "C\tbinds\tCYP9Z9\t\tweakly\t\n"
    )
    assert own.network.kinds[3] == "Gene"
    assert own.num_duplicates["facts"] == 1
    first = own.network.notes[0, 0, 3]
    assert [(note.text, note.source, note.url) for note in first] == [
        ("strong", "https://example.org/1", "https://example.org/1"),
        ("inhibits", "my notes", ""),
    ]
    assert (1, 1, 3) not in own.network.notes
    assert own.network.notes[2, 1, 3][0].source == 'uploaded file "facts.csv"'


def test_only_web_addresses_become_links():
    own = read(facts="head,relation,tail,source\nA,binds,X,javascript:alert(1)\n")
    assert own.network.notes[0, 0, 3][0].url == ""


def test_a_table_may_name_head_source():
    own = read(facts="source;relation;target\nA;binds;X\n")
    assert own.network.edges.tolist() == [[0, 0, 3]]
    assert own.network.notes == {}


def test_text_of_a_type_with_both_drugs_in_it():
    own = read(interactions="drug1,type,drug2,text\nA,t,B,#Drug2 is slowed by #Drug1.\nB,t,A,x\n")
    assert [one.text for one in own.network.types] == ["#Drug2 is slowed by #Drug1."]
    assert own.interactions.tolist() == [[0, 0, 1], [1, 0, 0]]


def test_example_files_are_read_completely():
    files = example_network_files()
    own = read_own_network(**files)
    assert (own.network.num_drugs, own.network.num_entities) == (4, 6)
    assert own.network.kinds[4:] == ("Gene", "Gene")
    assert len(own.network.edges) == 4
    assert own.interactions.tolist() == [[0, 0, 1]]
    assert not any(own.num_skipped.values())
    assert own.network.notes[0, 0, 4][0].text == "strong"


# --- what is skipped


def test_rows_that_cannot_be_used_are_listed_by_line():
    own = read(
        drugs=DRUGS + ",Gamma,C\nA,Again,C\nE\n",
        facts=FACTS + "A,,X\nA,binds,\n",
        interactions=INTERACTIONS + "Alfa,slower,B\nA,slower,Alpha\nZzzzz,slower,A\nA,slower,B\n",
    )
    assert problems(own, "drugs") == [
        (5, "has no id"),
        (7, "has 1 column; the first row has 3"),
    ]
    assert problems(own, "facts") == [(5, "has no relation"), (6, "has no tail")]
    assert problems(own, "interactions") == [
        (3, 'names "Alfa", which is no drug of the drugs table (did you mean "Alpha"?)'),
        (4, "joins a drug to itself"),
        (5, 'names "Zzzzz", which is no drug of the drugs table'),
    ]
    assert own.num_duplicates == {"drugs": 1, "facts": 0, "interactions": 1}
    assert own.summary.endswith(
        " Rows repeated: 1 in drugs, 1 in interactions."
        " Rows skipped: 2 in drugs, 2 in facts, 3 in interactions."
    )


def test_a_name_of_two_drugs_is_no_name():
    own = read(
        drugs="id,name\nA,Same\nB,same\n", interactions="drug1,type,drug2\nA,t,B\nSame,t,B\n"
    )
    assert problems(own, "interactions") == [
        (3, 'names "Same", which two drugs are called; use the id')
    ]
    assert own.network.entity_names[:2] == ("Same", "same")


def test_an_entity_is_no_drug():
    own = read(interactions=INTERACTIONS + "A,slower,CYP9Z9\n")
    assert problems(own, "interactions") == [
        (3, 'names "CYP9Z9", which is no drug of the drugs table')
    ]


# --- what is refused


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ({"drugs": "name\nAlpha\n"}, "UP-E04 · Column missing. drugs.csv: I need the columns"),
        ({"facts": "head,tail\nA,X\n"}, "columns head, relation, tail; I found head, tail"),
        ({"interactions": "a,b,c\nA,B,C\n"}, "columns drug1, type, drug2; I found a, b, c"),
        ({"drugs": "id,name\nA,Alpha\n"}, "UP-E09 · Row does not fit. drugs.csv: there"),
        ({"facts": "head,relation,tail\nA,,X\n"}, "facts.csv, line 2: it has no relation. 1 rows"),
        ({"interactions": "drug1,type,drug2\nX,t,A\n"}, "interactions.csv, line 2: it names"),
        ({"drugs": ""}, "UP-E05"),
        ({"drugs": b"\x80\x04\x95\x10\x00\x00\x00"}, "UP-E07 · This kind of file is refused."),
        ({"facts": b"PK\x03\x04"}, "UP-E02"),
        ({"facts": '{"elements":{"edges":[{"data":{"source":"a","target":"b"}}]}}'}, "UP-E02"),
        ({"facts": b"head,relation,tail\n\xe9,a,b\n"}, "UP-E03"),
    ],
)  # fmt: skip
def test_tables_that_are_refused(tables, words):
    assert words in refusal(**tables)


def test_limits():
    with pytest.raises(InputError, match=r"KG-E06.*5 entities; limit 4"):
        read(limits=Limits(num_entities=4))
    with pytest.raises(InputError, match=r"UP-E06.*3 rows; the limit is 2"):
        read(limits=Limits(num_facts=2))
    own = read(drugs=DRUGS + "D,D,CCCCCCCC\n", limits=Limits(name_length=7))
    assert problems(own, "drugs") == [(5, "has a SMILES of 8 characters")]


@given(
    st.lists(st.text(alphabet='AB,;\t\n"#\x00é', max_size=30), min_size=3, max_size=3),
    st.lists(st.booleans(), min_size=3, max_size=3),
)
@options(deadline=None)
def test_any_text_is_read_or_refused(texts, with_headers):
    headers = ("id,name,smiles\n", "head,relation,tail\n", "drug1,type,drug2\n")
    tables = [
        (header if wanted else "") + text
        for header, text, wanted in zip(headers, texts, with_headers, strict=True)
    ]
    try:
        own = read(*tables)
    except InputError as error:
        code = error.code
    else:
        code = ""
        assert own.network.num_drugs >= 2
        assert own.interactions.max() < own.network.num_drugs
    assert code in ("", "UP-E02", "UP-E04", "UP-E05", "UP-E09")
