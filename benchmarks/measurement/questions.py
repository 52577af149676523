"""Held-out facts of an embedded graph as questions."""

import numpy as np

from core.serving.graphs import GraphEntry
from core.serving.kg_question import Query


def questions_of(entry: GraphEntry, model: str, num: int) -> list[Query]:
    """Random held-out questions, in both directions, whose given entity has facts."""
    graph, held_out = entry.load(), entry.held_out()
    found: list[Query] = []
    for row in np.random.default_rng(0).permutation(len(held_out)).tolist():
        head, relation, tail = held_out[row].tolist()
        inverse = len(found) % 2 == 1
        given = tail if inverse else head
        if not graph.degree[given]:
            continue
        found.append(
            Query(
                entry.id,
                graph.entities[given],
                graph.relations[relation],
                inverse=inverse,
                model=model,
            )
        )
        if len(found) == num:
            break
    return found
