"""Lab 5 controls: what needs no look at what the model knows.

    scores = question_only(train_texts, train_able, validation_texts)   # a classifier of the question's words
    majority_share(["parum", "parum", "ost"])                           # 0.667: agreement among the trials

A judge that isn't above the first has learned which *questions* are hard, and needs no self for that. The
second answers k times before it judges, which a judge may not: it is a reference, not a rival. Source:
scikit-learn; self-consistency, Wang et al. 2022 (arXiv 2203.11171). Left out: probes of the model's hidden
states.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


def question_only(train: Sequence[str], able: Sequence[bool], validation: Sequence[str]) -> list[float]:
    """How likely each validation question is one that can be answered, by its wording alone.

    Logistic regression on the words, pairs of words and pieces of words of the question. Constant scores if
    all training labels are the same.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline, make_union

    if len(set(able)) < 2:
        return [0.5] * len(validation)
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
    classifier = make_pipeline(make_union(words, pieces), LogisticRegression(max_iter=1000))
    classifier.fit(list(train), [bool(flag) for flag in able])
    return classifier.predict_proba(list(validation))[:, 1].tolist()


def majority_share(replies: Sequence[str]) -> float:
    """The share of the most frequent of some normalised replies."""
    return Counter(replies).most_common(1)[0][1] / len(replies)
