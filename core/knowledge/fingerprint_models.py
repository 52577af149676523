"""Random forest and logistic regression on fingerprints: the baselines a chemist would try.

Arguments and scores as in `core.knowledge.few_shot`; fingerprints are Morgan bits of radius 2
("ECFP4"), 2,048 of them in reported figures, as present or absent rather than counted. Both weigh
the classes alike and keep scikit-learn's defaults otherwise. scikit-learn is imported when a
function is called, so that processes that never call one stay small.
"""

import numpy as np

from core.knowledge.few_shot import check_support

NUM_TREES = 100


def logistic_scores(support: np.ndarray, labels: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Logistic regression with a squared penalty of strength 1: (Q,) probability of active.

    Raises:
        ShapeError: sizes differ, or a class has no molecule.
    """
    from sklearn.linear_model import LogisticRegression

    active = check_support(support, labels, query)
    model = LogisticRegression(class_weight="balanced").fit(support, active)
    return model.predict_proba(query)[:, 1]


def forest_scores(
    support: np.ndarray, labels: np.ndarray, query: np.ndarray, seed: int = 0
) -> np.ndarray:
    """Random forest of 100 trees: (Q,) mean probability of active over the trees.

    Raises:
        ShapeError: sizes differ, or a class has no molecule.
    """
    from sklearn.ensemble import RandomForestClassifier

    active = check_support(support, labels, query)
    model = RandomForestClassifier(NUM_TREES, class_weight="balanced", random_state=seed)
    return model.fit(support, active).predict_proba(query)[:, 1]
