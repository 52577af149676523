"""N-Triples by its grammar: one statement per line.

Statements whose predicate names its subject (`NAME_PREDICATES`) give names, not facts.
"""

import re
from collections.abc import Sequence

from core.data.graph_table import GraphTable, Limits, check_rows

# predicates whose literals are names of their subject, not facts about it
NAME_PREDICATES = frozenset({
    "http://www.w3.org/2000/01/rdf-schema#label",
    "http://www.w3.org/2004/02/skos/core#prefLabel",
    "http://xmlns.com/foaf/0.1/name",
    "http://schema.org/name",
    "https://schema.org/name",
})  # fmt: skip

_UCHAR = r"\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8}"
_IRI = rf"<((?:[^\x00-\x20<>\"{{}}|^`\\]++|{_UCHAR})*+)>"
_BLANK = r"(_:[\w:](?:[\w:.·‿⁀-]*[\w:·‿⁀-])?)"
_LITERAL = (
    rf'("(?:[^"\\\n\r]++|\\[tbnrf"\'\\]|{_UCHAR})*+")'
    rf"(?:\^\^{_IRI}|@([a-zA-Z]+(?:-[a-zA-Z0-9]+)*))?"
)
_TRIPLE = re.compile(
    rf"[ \t]*(?:{_IRI}|{_BLANK})[ \t]*{_IRI}[ \t]*(?:{_IRI}|{_BLANK}|{_LITERAL})"
    r"[ \t]*\.[ \t]*(?:#.*)?"
)
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([tbnrf\"'\\]))")
_ESCAPED = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f", '"': '"', "'": "'", "\\": "\\"}


def is_ntriples(text: str) -> bool:
    """Whether most of the first statements are N-Triples."""
    lines = [line.strip() for line in text[:200_000].split("\n")[:200]]
    statements = [line for line in lines if line and not line.startswith("#")][:20]
    found = sum(_TRIPLE.fullmatch(line) is not None for line in statements)
    return found > 0 and found >= len(statements) / 2


def read_ntriples(text: str, limits: Limits) -> GraphTable:
    """Statements as rows; a line that is none is a bad row.

    Raises:
        InputError: UP-E06 for too many rows.
    """
    check_rows(text.count("\n") - 1, limits)
    table = GraphTable("n-triples", ("subject", "predicate", "object"), [])
    rows: list[tuple[int, Sequence[str] | str]] = []
    labels: dict[str, str] = {}
    names: dict[str, str] = {}
    relation_names: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        match = _TRIPLE.fullmatch(line)
        if match is None:
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            table.problem_of[number] = "is not a statement of N-Triples"
            rows.append((number, line))
            continue
        subject, blank, predicate, target, target_blank, literal, datatype, language = (
            match.groups()
        )
        head, relation = blank or _unescape(subject), _unescape(predicate)
        if literal is not None:
            value = _unescape(literal[1:-1])
            if relation in NAME_PREDICATES:
                if head not in labels or language == "en":
                    labels[head] = value
                continue
            suffix = f"^^<{_unescape(datatype)}>" if datatype is not None else ""
            tail = f'"{value}"{suffix}' + (f"@{language}" if language else "")
            names.setdefault(tail, value or '""')
        else:
            tail = target_blank or _unescape(target)
        if head not in names:
            names[head] = _local_name(head)
        if relation not in relation_names:
            relation_names[relation] = _local_name(relation)
        if tail not in names:
            names[tail] = _local_name(tail)
        rows.append((number, (head, relation, tail)))
    check_rows(len(rows), limits)
    table.rows, table.relation_names = rows, relation_names
    table.entity_names = {**names, **labels}
    return table


def _unescape(text: str) -> str:
    def character(match: re.Match[str]) -> str:
        if match[3]:
            return _ESCAPED[match[3]]
        code = int(match[1] or match[2], 16)
        return chr(code) if code <= 0x10FFFF else "\ufffd"

    return _ESCAPE.sub(character, text) if "\\" in text else text


def _local_name(iri: str) -> str:
    """The last part of an address: readable where the address is; blank nodes as they are."""
    if iri.startswith("_:"):
        return iri
    return re.split(r"[#/]", iri.rstrip("#/"))[-1].replace("_", " ").strip() or iri
