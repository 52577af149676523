"""What the tests of uploaded files share: a file in, its facts or its refusal out."""

import pytest

from core.data.uploads import GraphUpload, parse_graph_upload
from core.errors import InputError


def read(content: bytes | str, name: str = "x.csv", **options) -> GraphUpload:
    raw = content if isinstance(content, bytes) else content.encode()
    return parse_graph_upload(name, raw, **options)


@pytest.fixture(scope="session")
def parse():
    """Read a graph from bytes or text."""
    return read


@pytest.fixture(scope="session")
def facts():
    """The facts of an upload as triples of ids, in the order of the file."""

    def facts_of(upload: GraphUpload) -> list[tuple[str, str, str]]:
        graph = upload.graph
        return [
            (graph.entities[h], graph.relations[r], graph.entities[t])
            for h, r, t in graph.triples.tolist()
        ]

    return facts_of


@pytest.fixture(scope="session")
def refusal():
    """The text of the error that a file gives."""

    def refusal_of(content: bytes | str, name: str = "x.csv", **options) -> str:
        with pytest.raises(InputError) as caught:
            read(content, name, **options)
        return str(caught.value)

    return refusal_of
