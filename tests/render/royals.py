"""A small evidence graph of a royal family."""

from core.render.drawing import Edge, Node

NODES = [
    Node("q", "Queen Victoria", "person", 0, "query"),
    Node("a", "Alice", "person", 1),
    Node("b", "Edward VII", "person", 1),
    Node("z", "Nicholas II", "person", 2, "answer", "?"),
]
EDGES = [
    Edge("e1", "q", "a", "mother of", 0.6),
    Edge("e2", "q", "b", "mother of", 0.3),
    Edge("e3", "z", "a", "son-in-law of", 0.9),
    Edge("e4", "b", "z", "uncle of", -0.1),
]
