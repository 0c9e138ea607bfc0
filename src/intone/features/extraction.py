"""From a sound to the features that a recipe names."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from intone.features.frames import Floats, Held, frame_times
from intone.features.recipes import FeatureRecipe, Measure, RecipeLike
from intone.features.recipes import recipe as recipe_named
from intone.features.spectral import spectral_tracks
from intone.features.statistics import delta, reduce
from intone.hear.audio import RATE, Sound, load

Tracks: TypeAlias = dict[tuple[str, int], Floats]


@dataclass(frozen=True, eq=False)
class Features:
    """What was measured in a sound, column by column.

    Attributes
    ----------
    values : numpy.ndarray of float32, shape (columns,) or (frames, columns)
        One row for the sound, or one for each frame where that was asked for.
    names : tuple of str
        The columns' names, as in ``mfcc_03.mean``.
    times : numpy.ndarray of float64, shape (frames,), or None
        The centre of each frame in seconds; None where the values are for the whole sound.
    """

    values: Floats
    names: tuple[str, ...]
    times: NDArray[np.float64] | None = None


def extract(sound: Sound, recipe: RecipeLike = "mfcc40", *, rate: int | None = None, frames: bool = False) -> Features:
    """Measure the features of a sound.

    Parameters
    ----------
    sound : path, bytes, binary file, array or Waveform
        Whatever :func:`intone.hear.audio.load` takes.
    recipe : str or FeatureRecipe, default "mfcc40"
        Which features, and which statistics of them.
    rate : int, optional
        Samples a second of an array.
    frames : bool, default False
        Give the features of each frame, and no statistics. A recipe for sequences always does.

    Returns
    -------
    Features
        Float32 values with a name for each column.

    Raises
    ------
    SoundError
        The sound cannot be heard; the message says why.
    UsageError
        There is no recipe of that name.

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    >>> features = extract(tone, rate=16_000)
    >>> features.values.shape, features.names[2]
    ((40,), 'mfcc_03.mean')
    >>> extract(tone, rate=16_000, frames=True).values.shape
    (32, 40)
    """
    chosen = recipe_named(recipe)
    recording = Held(load(sound, rate=rate).samples)
    wanted = {(measure.feature, measure.count) for measure in chosen.measures}
    tracks = spectral_tracks(recording, wanted, frame=chosen.frame, hop=chosen.hop)
    if frames or chosen.sequence:
        return _over_time(chosen, tracks)
    columns = [
        reduce(_changed(tracks, measure), measure.statistics, hop_seconds=chosen.hop / RATE)
        for measure in chosen.measures
    ]
    return Features(np.concatenate(columns).astype(np.float32), chosen.names)


def _changed(tracks: Tracks, measure: Measure) -> Floats:
    track = tracks[measure.feature, measure.count]
    return delta(track, measure.delta) if measure.delta else track


def _over_time(recipe: FeatureRecipe, tracks: Tracks) -> Features:
    columns: dict[str, Floats] = {}  # by name, as two measures may take statistics of one feature
    for measure in recipe.measures:
        columns |= zip(measure.frame_names, _changed(tracks, measure).T, strict=True)
    values = np.stack(list(columns.values()), axis=1)
    return Features(values, recipe.frame_names, frame_times(len(values), recipe.hop))
