"""Trains the detector of speech, on speech of the corpora over noise that is made.

Run as ``python -m intone.learn.activity --corpora CORPORA --out src/intone/models/voice.npz``: it writes the weights
that come with Intone (:mod:`intone.hear.voice`), and what they are worth (:mod:`intone.learn.activity_scores`). It
learns from the speakers that the model which ships has trained on, so that the speakers who test that one are new to
it too. What is speech in a recording is told by its level, while it is clean.
"""

import argparse
import json
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from intone import corpora
from intone.features import prepare
from intone.hear import audio, loading, voice
from intone.hear.audio import RATE
from intone.learn import activity_scores
from intone.learn.scenes import Scenes

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

SCENES = 1600
UTTERANCES = 260
"""Most utterances of a corpus, drawn from all its speakers."""
WIDTH = 32
EPOCHS, BATCH, RATE_OF_LEARNING = 30, 8, 0.003
VALIDATION = ("emodb-03", "emovo-f1", "nemo-EB0", "ravdess-04", "ravdess-11")
"""Speakers by whom the network's shape and the threshold were chosen; it never learns from them."""


def utterances(root: Path, speakers: Collection[str], most: int, *, seed: int) -> list[Floats]:
    """Give utterances of some speakers, at most so many of a corpus, with a quarter of a second around their speech."""
    random, found = np.random.default_rng(seed), list[Floats]()
    for name in loading.load().card.corpora:
        table = corpora.read(name, root)
        paths = table.loc[table["speaker"].isin(list(speakers)), "path"].to_numpy()
        found += [trimmed(path) for path in random.choice(paths, min(most, len(paths)), replace=False)]
    return found


def trimmed(path: str) -> Floats:
    """Give a recording with a quarter of a second around its speech at most: pauses are made elsewhere."""
    samples = audio.load(path).samples
    sounding = prepare.sounding(samples, below_db=45)
    return samples[max(sounding.start - RATE // 4, 0) : sounding.stop + RATE // 4]


def strangers(root: Path, corpus: str) -> pd.DataFrame:
    """Give the recordings of a corpus by speakers of whom neither detector nor recogniser has heard anything."""
    table = corpora.read(corpus, root)
    return table[~table["speaker"].isin(loading.load().card.speakers)].reset_index(drop=True)


def lessons(scenes: Scenes, numbers: Sequence[int]) -> Iterator[tuple[Floats, Bools]]:
    """Give for each scene what the network is given of its frames ``(frames, NUMBERS)``, and what is true of them."""
    for number in numbers:
        sound, spoken = scenes.made(number)
        bands = voice.Bands()
        given = [bands.push(sound[start : start + voice.TICK]) for start in range(0, len(sound), voice.TICK)]
        whole = np.concatenate(given)
        yield whole, spoken[: len(whole)]


def train(root: Path, *, scenes: int = SCENES, epochs: int = EPOCHS, seed: int = 1) -> dict[str, Floats]:
    """Train the detector's network; give its weights as :class:`intone.hear.voice.Detector` takes them."""
    known = set(loading.load().card.speakers) - set(VALIDATION)
    made = lessons(Scenes(utterances(root, known, UTTERANCES, seed=seed), seed), range(scenes))
    given, truth = (np.stack(parts) for parts in zip(*made, strict=True))
    return fitted(given, truth, epochs=epochs, seed=seed)


def fitted(given: Floats, truth: Bools, *, epochs: int, seed: int) -> dict[str, Floats]:
    """Fit the network to frames ``(scenes, frames, NUMBERS)`` of which the truth ``(scenes, frames)`` is known."""
    import keras

    keras.utils.set_random_seed(seed)
    mean, deviation = given.mean(axis=(0, 1)), given.std(axis=(0, 1)) + np.float32(1e-3)
    network = _network()
    later = np.roll(truth, voice.AHEAD, axis=1)[..., np.newaxis].astype(np.float32)
    counted = np.ones_like(later)
    counted[:, : voice.AHEAD] = 0  # nothing is said yet
    steps = epochs * len(given) // BATCH
    network.compile(
        optimizer=keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(RATE_OF_LEARNING, steps)),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
    )
    network.fit((given - mean) / deviation, later, BATCH, epochs, sample_weight=counted, verbose=2)
    return _flat([layer.get_weights() for layer in network.layers if layer.weights], mean, deviation)


def _network() -> Any:
    import keras

    frames = keras.Input((None, voice.NUMBERS))
    x = keras.layers.Dense(WIDTH, activation="relu")(frames)
    for spread in voice.SPREADS:
        layer = keras.layers.Conv1D(WIDTH, voice.TAPS, padding="causal", dilation_rate=spread, activation="relu")
        x = keras.layers.Add()([x, layer(x)])
    return keras.Model(frames, keras.layers.Dense(1)(x))


def _flat(layers: Sequence[Sequence[Floats]], mean: Floats, deviation: Floats) -> dict[str, Floats]:
    """Name the weights as the detector does; what the numbers were divided by goes into the first of them."""
    names = [*map(str, range(len(layers) - 1)), "out"]
    weights: dict[str, Floats] = {}
    for name, (kernel, bias) in zip(names, layers, strict=True):
        weights[f"kernel_{name}"] = np.asarray(kernel).reshape(-1, kernel.shape[-1])
        weights[f"bias_{name}"] = np.asarray(bias)
    first = weights["kernel_0"] / deviation[:, np.newaxis]
    weights["kernel_0"], weights["bias_0"] = first, weights["bias_0"] - mean @ first
    # Rounded as they are stored, so that they are scored as they will be used.
    return {name: values.astype(np.float16).astype(np.float32) for name, values in weights.items()}


def main() -> None:
    """Train, write the weights, and write what they are worth."""
    parser = argparse.ArgumentParser(description="Train the detector of speech.")
    parser.add_argument("--corpora", type=Path, required=True, help="the folder of the corpora")
    parser.add_argument("--out", type=Path, required=True, help="the file of weights, voice.npz")
    parser.add_argument("--scores", type=Path, default=Path("results/activity.json"), help="what they are worth")
    parser.add_argument("--only-scores", action="store_true", help="score the file of weights that is there")
    chosen = parser.parse_args()
    if not chosen.only_scores:
        small: dict[str, Any] = {name: each.astype(np.float16) for name, each in train(chosen.corpora).items()}
        np.savez_compressed(chosen.out, **small)
    with np.load(chosen.out, allow_pickle=False) as stored:
        weights = {name: stored[name].astype(np.float32) for name in stored.files}
    tables = {name: strangers(chosen.corpora, name) for name in activity_scores.CORPORA}
    found = activity_scores.scores(weights, tables)
    chosen.scores.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
