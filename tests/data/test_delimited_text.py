import pytest


@pytest.mark.parametrize(("mark", "word"), [("\t", "tab"), (",", "comma"), (";", "semicolon")])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_line_ends_and_bom(parse, facts, mark, word, bom, end):
    lines = ["a|knows|b", "b|likes|c", "c|knows|a"]
    upload = parse(bom + end.join(lines).replace("|", mark) + end)
    assert facts(upload) == [("a", "knows", "b"), ("b", "likes", "c"), ("c", "knows", "a")]
    assert upload.preview.delimiter == word
    assert upload.preview.encoding == ("UTF-8 with BOM" if bom else "UTF-8")
    assert not upload.preview.header
    assert upload.preview.columns == ("column 1", "column 2", "column 3")
    assert upload.preview.roles == {"head": 0, "relation": 1, "tail": 2}
    assert upload.preview.rows[0] == ("a", "knows", "b")
    assert (upload.num_rows, upload.num_skipped, upload.problems) == (3, 0, ())
    assert upload.notice is None


def test_quoted_cells(parse, facts):
    text = 'head,relation,tail\n"Denton, Texas","is ""in""",USA\n"a","b","c"\n'
    assert facts(parse(text)) == [("Denton, Texas", 'is "in"', "USA"), ("a", "b", "c")]


def test_raw_quotes_in_names_are_characters(parse, facts):
    text = 'a\tr\t"><script>alert(1)</script>\n"x\tr\tb\n5" disk\tr\tc\n"q" z\tr\td\n'
    tails = [tail for _, _, tail in facts(parse(text))]
    assert tails == ['"><script>alert(1)</script>', "b", "c", "d"]
    assert [head for head, _, _ in facts(parse(text))] == ["a", '"x', '5" disk', '"q" z']
