"""What tells whether a speaker's utterances are of one emotion alone: how much they differ where emotions do.

It is learned from differences between utterances of one speaker alone, so that no voice and no microphone moves it.
"""

import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from intone.learn.episodes import MAKE_UPS, MOST, Cast
from intone.learn.networks.relative import spread_features

Floats = NDArray[np.float32]
DRAWN = 8000
"""How many utterances, and how many sets of them, are looked at."""
COMPONENTS, SHRINKAGE = 300, 0.3
"""How many principal components the directions are sought among, and how far their covariance shrinks to a sphere."""


def directions(
    voices: Floats, truth: NDArray[np.int64], speakers: NDArray[np.str_], rows: NDArray[np.intp], count: int
) -> Floats:
    """Find along which directions emotions of a speaker differ most, next to utterances of one emotion.

    A linear discriminant analysis of what is left of each voice without its speaker (Fisher 1936, doi:10.1111/
    j.1469-1809.1936.tb02137.x).

    Parameters
    ----------
    voices : numpy.ndarray of float32, shape (utterances, width)
        Standardised.
    truth, speakers : numpy.ndarray, shape (utterances,)
        Their labels, and whose they are.
    rows : numpy.ndarray of int
        Which of them count, some perhaps several times.
    count : int
        How many directions are asked for.

    Returns
    -------
    numpy.ndarray of float32, shape (width, count)
        Where labels do not have as many, the others are zero. A speaker of whom only one emotion is known tells of
        none.
    """
    apart = voices.copy()
    for speaker in np.unique(speakers):
        own = np.flatnonzero(speakers == speaker)
        apart[own] -= np.mean(
            [voices[own[truth[own] == label]].mean(axis=0) for label in np.unique(truth[own])], axis=0
        )
    found = np.zeros((voices.shape[1], count), dtype=np.float32)
    telling = [speaker for speaker in np.unique(speakers) if len(np.unique(truth[speakers == speaker])) > 1]
    rows = rows[np.isin(speakers[rows], telling)]
    several = min(count, len(np.unique(truth[rows])) - 1)
    if several > 0:
        some = apart[rows].astype(np.float64)
        components = PCA(min(COMPONENTS, *some.shape), svd_solver="covariance_eigh").fit(some).components_.T
        analysis = LinearDiscriminantAnalysis(solver="eigen", shrinkage=SHRINKAGE).fit(some @ components, truth[rows])
        found[:, :several] = components @ analysis.scalings_[:, :several]
    return found


def one_emotion(
    along: Floats, truth: NDArray[np.int64], cast: Cast, rows: NDArray[np.intp], random: np.random.Generator
) -> list[Floats]:
    """Learn to tell sets of one emotion by what :func:`~intone.learn.networks.relative.spread_features` gives of them.

    Parameters
    ----------
    along : numpy.ndarray of float32, shape (utterances, directions)
        The voices along the directions.
    truth : numpy.ndarray of int64, shape (utterances,)
        Their labels.
    cast : Cast
        Draws sets, of every make-up that episodes have but those that are known to be at rest.
    rows : numpy.ndarray of int
        For each set an utterance of its speaker.
    random : numpy.random.Generator
        Decides the rest.

    Returns
    -------
    list of numpy.ndarray
        The kernel ``(2 · directions + 2, 1)`` and the bias of a layer that gives log-odds; zeros where all sets are of
        a kind.
    """
    make_ups = [each for each in MAKE_UPS if each not in ("none", "rest")]
    variances, counts, alone = list[Floats](), list[int](), list[bool]()
    for row in rows.tolist():
        size = int(np.exp(random.uniform(np.log(2), np.log(MOST + 1))))
        label = int(random.choice(cast.labels(row)))
        drawn = cast.references(row, str(random.choice(make_ups)), size, random, label=label)
        if len(drawn) > 1:
            variances.append(along[drawn].var(axis=0))
            counts.append(len(drawn))
            alone.append(len(np.unique(truth[drawn])) == 1)
    if len(set(alone)) < 2:
        return [np.zeros((2 * along.shape[1] + 2, 1), np.float32), np.zeros(1, np.float32)]
    many = np.array(counts, np.float32)[:, np.newaxis]
    seen = keras.ops.convert_to_numpy(spread_features(keras.ops.convert_to_tensor(np.stack(variances)), many))
    scale, regression = StandardScaler(), LogisticRegression(max_iter=2000)
    regression.fit(scale.fit_transform(seen), alone)
    kernel = regression.coef_[0] / scale.scale_
    bias = regression.intercept_ - kernel @ scale.mean_
    return [kernel[:, np.newaxis].astype(np.float32), bias.astype(np.float32)]
