import pytest


def test_ntriples_by_the_grammar(parse, facts):
    text = """# people
<http://x/a#Ann_Lee> <http://x/knows> <http://x/Bob> .
_:b1 <http://x/knows> <http://x/a#Ann_Lee>.
<http://x/Bob><http://x/age>"5"^^<http://www.w3.org/2001/XMLSchema#integer>. # five
<http://x/Bob> <http://x/says> "hi \\"there\\"\\n\\u00E9"@en-GB .
<http://x/Bob> <http://x/says> "" .
<http://x/Z\\u00fc> <http://x/knows> _:b1 .
<http://x/Bob> <http://www.w3.org/2000/01/rdf-schema#label> "Robert"@de .
<http://x/Bob> <http://www.w3.org/2000/01/rdf-schema#label> "Bob Roy"@en .
<http://x/Bob> <http://x/knows> <http://x/Carl>
<http://x/Bob> "no" <http://x/Carl> .
"""
    upload = parse(text, "people.txt")
    integer = "http://www.w3.org/2001/XMLSchema#integer"
    assert facts(upload) == [
        ("http://x/a#Ann_Lee", "http://x/knows", "http://x/Bob"),
        ("_:b1", "http://x/knows", "http://x/a#Ann_Lee"),
        ("http://x/Bob", "http://x/age", f'"5"^^<{integer}>'),
        ("http://x/Bob", "http://x/says", '"hi "there"\né"@en-GB'),
        ("http://x/Bob", "http://x/says", '""'),
        ("http://x/Zü", "http://x/knows", "_:b1"),
    ]
    assert upload.kind == "n-triples"
    names = ("Ann Lee", "Bob Roy", "_:b1", "5", 'hi "there"\né', '""', "Zü")
    assert upload.graph.entity_names == names
    assert upload.graph.relation_names == ("knows", "age", "says")
    assert [(p.line, p.problem) for p in upload.problems] == [
        (10, "is not a statement of N-Triples"),
        (11, "is not a statement of N-Triples"),
    ]


def test_ntriples_names_that_repeat_show_the_address(parse):
    text = "<http://x/1/a> <http://x/r> <http://x/2/a> .\n"
    names = parse(text).graph.entity_names
    assert names == ("a (http://x/1/a)", "a (http://x/2/a)")


@pytest.mark.parametrize(
    "line",
    [
        "<http://x/a b> <http://x/r> <http://x/c> .",
        "<http://x/a> <http://x/r> <http://x/c>",
        '<http://x/a> <http://x/r> "open .',
        '<http://x/a> <http://x/r> "bad \\q" .',
        "<http://x/a> _:r <http://x/c> .",
        '"a" <http://x/r> <http://x/c> .',
        "<http://x/a> <http://x/r> <http://x/c> . x",
        '<http://x/a> <http://x/r> "a"@1 .',
    ],
)
def test_ntriples_refuses_what_the_grammar_refuses(parse, line):
    good = "<http://x/a> <http://x/r> <http://x/b> .\n"
    upload = parse(good + line + "\n" + good)
    assert [problem.line for problem in upload.problems] == [2]
    assert upload.graph.num_facts == 1


def test_broken_characters_are_skipped(parse):
    text = '<http://x/a> <http://x/r> <http://x/b> .\n<http://x/a> <http://x/r> "\\uD800" .\n'
    upload = parse(text)
    assert upload.problems[0].problem == "has a broken character as tail"
    assert upload.problems[0].text.isprintable()
