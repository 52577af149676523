"""EmerGNN+: what the path network and the similar-drug vote say together, and in which order.

Notation: T interaction types; z logits of the path network, n similar-drug vote, both of the
ordered pair (u, v); log~ the logarithm of a smoothed share, as in
`core.knowledge.similar_drugs.log_vote`; f shares of the types among the known interactions.

    p(type | order)   softmax of  s log~ softmax(z) + g log~ n + h log~ f
    p(u before v)     sigmoid of  a log(N(u, v) / N(v, u)) + b (Z(u, v) - Z(v, u))

with N the smoothed total of the vote and Z the log-sum-exp of z over the types that are directed,
both differences clipped. The path network enters as a smoothed share, because it is too sure about
drugs it has never seen: a type it excludes must stay within reach of the vote. Clipping does the
same for the order, which is antisymmetric in u and v. Frequent types are favoured by the network
and by the vote alike; h, below 0, takes out what is counted twice, as the product of two posteriors
is divided by their common prior.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from core.knowledge.calibration import softmax
from core.knowledge.similar_drugs import log_vote

PATH_SMOOTHING = 0.1  # share of p(type) of the path network, and of f, spread evenly over the types
ORDER_SMOOTHING = 1e-4  # vote added to both orders: one known drug of Tanimoto 0.1, fourth power
ORDER_LIMIT = 4.0  # largest difference of the log-votes and of the log-sum-exp


def combine(weights: Mapping[str, Any], logits: np.ndarray, votes: np.ndarray) -> np.ndarray:
    """Log-probabilities, up to a constant, of path network and vote together.

    Args:
        weights: ``path`` s, ``vote`` g and ``habit`` (``weight`` h and T ``log_shares``), which
            artifacts without it leave out.
        logits: (n, T) of the path network.
        votes: (n, T) at least 0.

    Returns:
        (n, T).
    """
    found = weights["path"] * log_shares(logits) + weights["vote"] * log_vote(votes)[0]
    if "habit" in weights:
        found += weights["habit"]["weight"] * np.asarray(weights["habit"]["log_shares"])
    return found


def log_habit(types: np.ndarray, num_types: int) -> np.ndarray:
    """Smoothed log-shares (T,) of the types (n,) of known interactions."""
    return log_vote(np.bincount(types, minlength=num_types)[None], PATH_SMOOTHING)[0][0]


def log_shares(logits: np.ndarray) -> np.ndarray:
    """The path network as a smoothed log-share (n, T), on the scale of `log_vote`."""
    return log_vote(softmax(logits), PATH_SMOOTHING)[0]


def order_features(logits: np.ndarray, votes: np.ndarray, directed: np.ndarray) -> np.ndarray:
    """What speaks for the first of two orders.

    Args:
        logits: (2, ..., T) of the path network in both orders.
        votes: (2, ..., T) in both orders.
        directed: (T,) bool, types that say who acts on whom.

    Returns:
        (2, ...): log-ratio of the votes and difference of the log-sum-exp, clipped.
    """
    vote = np.log(votes.sum(-1, dtype=np.float64) + ORDER_SMOOTHING)
    path = np.zeros_like(vote)
    if directed.any():
        path = np.logaddexp.reduce(logits[..., directed].astype(np.float64), -1)
    found = np.stack([vote[0] - vote[1], path[0] - path[1]])
    return found.clip(-ORDER_LIMIT, ORDER_LIMIT)


def order_probabilities(
    weights: Mapping[str, float], logits: np.ndarray, votes: np.ndarray, directed: np.ndarray
) -> np.ndarray:
    """Probability of each order, (2, ...) summing to 1.

    Args:
        weights: ``vote`` a and ``path`` b.
        logits: see `order_features`.
        votes: likewise.
        directed: likewise.
    """
    vote, path = order_features(logits, votes, directed)
    odds = weights["vote"] * vote + weights["path"] * path
    return np.stack([1 + np.tanh(odds / 2), 1 - np.tanh(odds / 2)]) / 2
