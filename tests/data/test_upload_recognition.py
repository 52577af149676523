import io
import time
import zipfile

import numpy as np
import pytest

from core.data.uploads import Limits


def zipped(**members):
    blob = io.BytesIO()
    with zipfile.ZipFile(blob, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_DOT_", "."), content)
    return blob.getvalue()


def test_up_e01(parse, refusal):
    content = b"a\tr\tb\n" * 1000
    limits = Limits(num_bytes=20 * 2**20)
    assert refusal(b"a" * (84 * 2**20), limits=limits) == (
        "UP-E01 · File too large. This file is 84 MB; the limit here is 20 MB. "
        "Split it, or ask your administrator to raise the limit."
    )
    assert "This file is 20.1 MB; the limit here is 20 MB." in refusal(b"a" * (20 * 2**20 + 1))
    assert parse(content, limits=Limits(num_bytes=len(content))).graph.num_facts == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (zipped(a_DOT_csv="a,r,b\n" * 1000), "a ZIP archive"),
        (zipped(xl__workbook_DOT_xml="<x/>"), "an Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 99, "an Excel or other Office document"),
        (b"\x1f\x8b\x08\x00abc", "a gzip archive"),
        (b"\x7fELF\x02\x01\x01", "a program (ELF)"),
        (b"MZ\x90\x00\x03", "a program (PE)"),
        (b"\xcf\xfa\xed\xfe\x07", "a program (Mach-O)"),
        (b"\xca\xfe\xba\xbe\x00", "a program (Mach-O or Java)"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"\x89PNG\r\n\x1a\n\x00", "a PNG image"),
        (b"\x89HDF\r\n\x1a\n\x00", "an HDF5 file"),
        (b"BZh91AY&SY\x00", "a bzip2 archive"),
        (b"a,r,b\n" * 2000 + b"\x00", "binary data"),
        (b"[" * 200 + b"]" * 200, "JSON nested more than 100 levels deep"),
        (b'{"a":' * 200 + b"1" + b"}" * 200, "JSON nested more than 100 levels deep"),
        (b"[[1,2],\n[3,", "JSON that cannot be read (line 2)"),
        (b'["' + b"1" * 9 + b'", ' + b"1" * 5000 + b"]", "JSON with a number that is too long"),
        (b'{"a": 1}', "JSON that is neither CX2 nor a Cytoscape network"),
        (b"<?xml version='1.0'?><gexf/>", "XML that is not GraphML"),
        (b"<graphml>\n<node></graphml>", "XML that cannot be read (line 2)"),
        (b"<graphml>" + b"<graph>" * 200, "XML nested more than 100 levels deep"),
    ],
)
def test_up_e02(refusal, content, words):
    assert refusal(content) == (
        f'UP-E02 · Not a text table. The content of "x.csv" is {words}. '
        "Export it as CSV (UTF-8) and try again."
    )


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">',
    ],
)
@pytest.mark.parametrize("start", ['<?xml version="1.0"?>', ""])
def test_entity_bombs_are_refused(refusal, declaration, start):
    text = f"{start}{declaration}<graphml><node id='&b;'/></graphml>"
    assert refusal(text, "bomb.graphml") == (
        'UP-E02 · Not a text table. The content of "bomb.graphml" is XML with a document type '
        "definition, which is never opened. Export it as CSV (UTF-8) and try again."
    )


def test_turtle_is_named(refusal):
    assert refusal("@prefix x: <http://x/> .\nx:a x:r x:b .\n") == (
        'UP-E02 · Not a text table. The content of "x.csv" is RDF in the Turtle notation. '
        "Export it as N-Triples or CSV."
    )


def test_up_e03(refusal):
    text = "a\tr\tb\n" * 11
    assert refusal(text.encode() + b"M\xfcller\tr\tb\n") == (
        "UP-E03 · Cannot read the characters. The file is not UTF-8 (first problem in line 12). "
        'Save it as "CSV UTF-8".'
    )
    assert refusal("a\tr\tb\n".encode("utf-16")).startswith("UP-E03")


def numpy_file():
    blob = io.BytesIO()
    np.save(blob, np.arange(3))
    return blob.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        *(bytes([0x80, protocol]) + b"}." for protocol in range(6)),  # pickled {}
        numpy_file(),
        zipped(archive__data_DOT_pkl=b"\x80\x02}."),
        zipped(weights_DOT_npy=numpy_file()),
    ],
)
def test_up_e07(refusal, content):
    assert refusal(content) == (
        "UP-E07 · This kind of file is refused. Model and Python files (.pkl, .pt, .npy with "
        "objects) can run code and are never opened. Export a table instead."
    )


def test_a_pickle_of_the_oldest_kind_is_no_graph_either(refusal):
    assert refusal(b"cos\nsystem\n(S'ls'\ntR.").startswith("KG-E05")


def test_words_that_look_like_signatures_are_text(parse, facts):
    assert facts(parse("MZ\tr\tb\nBZh\tr\tb\nPAR1\tr\tb\n"))[0] == ("MZ", "r", "b")
    assert facts(parse("BZh\tr\tb\n"))[0] == ("BZh", "r", "b")


# --- time


def quickly(refusal, content):
    begin = time.process_time()
    text = refusal(content)
    assert time.process_time() - begin < 3
    return text


@pytest.mark.parametrize(
    "content",
    [
        b"," * 20_000_000,
        b'"' * 20_000_000,
        b'["' + b'\\"' * 9_000_000,
        b"[" * 10_000_000 + b"]" * 10_000_000,
        b"[" + b"[]," * 6_000_000 + b"[]]",
        b"<http://a> <http://b> <" + b"a" * 15_000_000,
        b'<http://a> <http://b> "' + b"\\\\" * 9_000_000,
        b"<http://a> <http://b> _:" + b"." * 15_000_000,
        b"<!-- -->" * 2_000_000,
        b"<graphml>" + b"<a>" * 6_000_000,
        b"PREFIX " + b"a" * 15_000_000,
    ],
    ids=["commas", "quotes", "escapes", "deep", "crowded", "iri", "literal", "blank", "comments",
         "xml", "prefix"],
)  # fmt: skip
def test_texts_that_would_stall_a_careless_reader(refusal, content):
    quickly(refusal, content)


def test_zip_bomb_is_never_opened(refusal, monkeypatch):
    bomb = zipped(a_DOT_csv=b"0" * 50_000_000)
    monkeypatch.setattr(zipfile, "ZipFile", None)
    assert "is a ZIP archive" in quickly(refusal, bomb)
