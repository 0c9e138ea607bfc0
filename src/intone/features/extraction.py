"""From a sound to the features that a recipe names."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from intone.errors import UsageError
from intone.features.catalogue import CATALOGUE
from intone.features.filterbanks import MEL_BANDS, cosines
from intone.features.frames import Floats, Recording, frame_count, frame_times, recorded
from intone.features.parallel import process_pool
from intone.features.pitch import PITCH_HOP
from intone.features.prosody import Prosody, measure_prosody, nearest_frames
from intone.features.recipes import FeatureRecipe, Measure, RecipeLike
from intone.features.recipes import recipe as recipe_named
from intone.features.spectral import SPECTRAL, spectral_tracks
from intone.features.statistics import delta, reduce
from intone.hear.audio import RATE, Sound
from intone.machine import cores

SOUNDS_AT_A_TIME = 4
"""Sounds sent to a process at once: fewer cost more messages, more leave cores idle at the end."""


@dataclass(frozen=True, eq=False)
class _Measured:
    spectral: dict[tuple[str, int], Floats]
    prosody: Prosody | None
    frames: int

    @property
    def required_prosody(self) -> Prosody:
        assert self.prosody is not None  # measured whenever a measure of the recipe needs it
        return self.prosody


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

    @property
    def missing(self) -> int:
        """How many values are NaN, because there was nothing to measure (no voice, too few syllables)."""
        return int(np.isnan(self.values).sum())


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
        Float32 values with a name for each column. Those that measure a voice are NaN where there is none; those of
        ``mfcc40``, ``classic`` and ``logmel`` are always finite.

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
    over_time = frames or chosen.sequence
    with recorded(sound, rate=rate) as recording:
        measured = _measure(recording, chosen, over_time=over_time)
    if over_time:
        return _over_time(chosen, measured)
    columns = [_statistics(chosen, measure, measured) for measure in chosen.measures]
    return Features(np.concatenate(columns).astype(np.float32), chosen.names)


def _mean_cepstrum(measure: Measure) -> bool:
    """Whether nothing is wanted of a cepstrum but its mean: as it is linear, that is the cepstrum of the mean bands."""
    return (measure.feature, measure.delta, measure.statistics, measure.over) == ("mfcc", 0, ("mean",), "time")


def _measure(recording: Recording, recipe: FeatureRecipe, *, over_time: bool) -> _Measured:
    wanted = {
        ("logmel", MEL_BANDS) if _mean_cepstrum(measure) and not over_time else (measure.feature, measure.count)
        for measure in recipe.measures
    }
    spectral = {(name, count) for name, count in wanted if name in SPECTRAL}
    others = {name for name, _ in wanted if name not in SPECTRAL}
    tracks = spectral_tracks(recording, spectral, frame=recipe.frame, hop=recipe.hop) if spectral else {}
    prosodic = bool(others) or any(measure.over != "time" for measure in recipe.measures)
    prosody = measure_prosody(recording, others) if prosodic else None
    return _Measured(tracks, prosody, frame_count(recording.length, recipe.hop))


def _track(measure: Measure, measured: _Measured) -> Floats:
    """Give the feature over time, on its own frames."""
    if measure.feature in SPECTRAL:
        track = measured.spectral[measure.feature, measure.count]
    else:
        track = measured.required_prosody.tracks[measure.feature]
    return delta(track, measure.delta) if measure.delta else track


def _statistics(recipe: FeatureRecipe, measure: Measure, measured: _Measured) -> NDArray[np.float64]:
    if CATALOGUE[measure.feature].single:
        return np.array([measured.required_prosody.singles[measure.feature]])
    if _mean_cepstrum(measure):
        return reduce(measured.spectral["logmel", MEL_BANDS], measure.statistics) @ cosines(measure.count)
    track = _track(measure, measured)
    hop = recipe.hop if measure.feature in SPECTRAL else PITCH_HOP
    seconds = hop / RATE
    if measure.over == "time":
        return reduce(track, measure.statistics, hop_seconds=seconds)
    prosody = measured.required_prosody
    places = nearest_frames(len(track), hop, len(prosody.voiced))
    if measure.over == "voiced":
        voiced = np.where(prosody.voiced[places, np.newaxis], track, np.float32(np.nan))
        return reduce(voiced, measure.statistics, hop_seconds=seconds)
    rows = []
    for start, stop in prosody.timing.segments:
        inside = (places >= start) & (places < stop)
        if inside.any():
            rows.append(reduce(track[inside], measure.statistics, hop_seconds=seconds))
    return _mean_of_present(np.array(rows).reshape(len(rows), -1), len(measure.names))


def _mean_of_present(rows: NDArray[np.float64], columns: int) -> NDArray[np.float64]:
    """Average over segments, leaving out those that have no value; NaN where none has."""
    if len(rows) == 0:
        return np.full(columns, np.nan)
    present = ~np.isnan(rows)
    total = np.where(present, rows, 0).sum(axis=0)
    return np.where(present.any(axis=0), total / np.maximum(present.sum(axis=0), 1), np.nan)


def _over_time(recipe: FeatureRecipe, measured: _Measured) -> Features:
    columns: dict[str, Floats] = {}  # by name, as two measures may take statistics of one feature
    for measure in recipe.measures:
        if CATALOGUE[measure.feature].single:
            continue
        track = _track(measure, measured)
        if measure.feature not in SPECTRAL and recipe.hop != PITCH_HOP:
            track = track[nearest_frames(measured.frames, recipe.hop, len(track))]
        columns |= zip(measure.frame_names, track.T, strict=True)
    if not columns:
        raise UsageError(f"Feature recipe '{recipe.name}' has nothing but numbers for a whole recording; no frames.")
    values = np.stack(list(columns.values()), axis=1)
    return Features(values, recipe.frame_names, frame_times(len(values), recipe.hop))


def extract_many(
    sounds: Iterable[Sound], recipe: RecipeLike = "mfcc40", *, rate: int | None = None, workers: int | None = None
) -> Iterator[Features]:
    """Measure the features of many sounds, in parallel processes.

    Parameters
    ----------
    sounds : iterable of sounds
        Whatever :func:`extract` takes; open files cannot be sent to another process, so with more than one worker
        they must be paths, bytes, arrays or Waveforms.
    recipe : str or FeatureRecipe, default "mfcc40"
        As for :func:`extract`.
    rate : int, optional
        Samples a second of arrays.
    workers : int, optional
        Processes; all cores by default. With 1, the work is done here.

    Yields
    ------
    Features
        One for each sound, in their order.

    Raises
    ------
    SoundError
        At the first sound that cannot be heard; those before it have been given.

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    >>> [features.values.shape for features in extract_many([tone, tone], workers=1)]
    [(40,), (40,)]
    """
    work = partial(extract, recipe=recipe_named(recipe), rate=rate)
    count = workers or cores()
    if count == 1:
        yield from map(work, sounds)
        return
    with process_pool(count) as pool:
        yield from pool.map(work, sounds, chunksize=SOUNDS_AT_A_TIME)
