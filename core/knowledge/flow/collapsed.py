"""Path subgraphs with equal states merged: the arrays the flow network computes with."""

from dataclasses import dataclass, fields

import numpy as np

from core.knowledge.digraph import expand_ranges
from core.knowledge.flow.network import inverse
from core.knowledge.flow.pairs import Neighbours, PathSubgraphs


@dataclass(frozen=True, eq=False)
class Flow:
    """Collapsed lists of one direction, for `core.function.flow`; all int64 but `count`.

    S signatures, M messages, Y nodes, G groups.

    Attributes:
        signature_pair: (S,) pair of each signature, ascending.
        first_signature, first_relation: (.,) relations of each signature; signature ascending.
        message_signature, message_relation: (M,) distinct messages of the second step, signature
            ascending.
        middle_node, middle_message: (C,) edges of the second step, node ascending.
        count: (C,) float32, how many edges are merged in each.
        node_pair: (Y,) pair of each node of the second step.
        last_node, last_group: (Z,) edges of the third step, node ascending.
        group_pair, group_relation: (G,) distinct (pair, relation) of the third step; pair
            ascending.
    """

    signature_pair: np.ndarray
    first_signature: np.ndarray
    first_relation: np.ndarray
    message_signature: np.ndarray
    message_relation: np.ndarray
    middle_node: np.ndarray
    middle_message: np.ndarray
    count: np.ndarray
    node_pair: np.ndarray
    last_node: np.ndarray
    last_group: np.ndarray
    group_pair: np.ndarray
    group_relation: np.ndarray


FLOW_INPUTS = tuple(f"{way}_{field.name}" for way in ("forth", "back") for field in fields(Flow))


def collapse(paths: PathSubgraphs) -> tuple[Flow, Flow]:
    """Both directions, signatures merged: head to tail, and tail to head."""
    back = inverse(paths.relation, paths.num_relations)
    return (
        _collapse(
            paths, paths.near_head, paths.near_tail, paths.head_row, paths.relation, paths.tail_row
        ),
        _collapse(paths, paths.near_tail, paths.near_head, paths.tail_row, back, paths.head_row),
    )


def flow_feeds(forth: Flow, back: Flow) -> dict[str, np.ndarray]:
    """The arrays of both directions under the names `FLOW_INPUTS`."""
    both = {"forth": forth, "back": back}
    return {
        f"{way}_{field.name}": getattr(flow, field.name)
        for way, flow in both.items()
        for field in fields(Flow)
    }


def _collapse(
    paths: PathSubgraphs,
    near_source: Neighbours,
    near_target: Neighbours,
    source: np.ndarray,
    relation: np.ndarray,
    target: np.ndarray,
) -> Flow:
    kinds = 2 * paths.num_relations + 1
    signatures = len(near_source.signature_pointer) - 1
    key = paths.pair * len(near_target.node) + target
    key = (key * signatures + near_source.signature[source]) * kinds + relation
    edge, count = np.unique(key, return_counts=True)
    rest, edge_relation = np.divmod(edge, kinds)
    node, edge_signature = np.divmod(rest, signatures)  # (pair, row of the target)
    node_start = np.flatnonzero(np.diff(node, prepend=-1))
    middle_node = np.repeat(np.arange(len(node_start)), np.diff(np.append(node_start, len(node))))
    node_pair, node_row = np.divmod(node[node_start], len(near_target.node))

    message, middle_message = np.unique(
        (node_pair[middle_node] * signatures + edge_signature) * kinds + edge_relation,
        return_inverse=True,
    )
    rest, message_relation = np.divmod(message, kinds)
    signature_start = np.flatnonzero(np.diff(rest, prepend=-1))
    message_signature = np.repeat(
        np.arange(len(signature_start)), np.diff(np.append(signature_start, len(rest)))
    )
    signature_pair, signature = np.divmod(rest[signature_start], signatures)
    pointer = near_source.signature_pointer
    first_signature, member = expand_ranges(
        pointer[signature], pointer[signature + 1] - pointer[signature]
    )

    ending, pointer = near_target.signature[node_row], near_target.signature_pointer
    last_node, last = expand_ranges(pointer[ending], pointer[ending + 1] - pointer[ending])
    last_relation = inverse(near_target.signature_relation[last], paths.num_relations)
    group, last_group = np.unique(node_pair[last_node] * kinds + last_relation, return_inverse=True)
    group_pair, group_relation = np.divmod(group, kinds)
    return Flow(
        signature_pair,
        first_signature,
        near_source.signature_relation[member],
        message_signature,
        message_relation,
        middle_node,
        middle_message,
        count.astype(np.float32),
        node_pair,
        last_node,
        last_group,
        group_pair,
        group_relation,
    )
