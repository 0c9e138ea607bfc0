"""An encoder fine-tuned on sounds goes through a run as any network does, and its file hears what it has learned."""

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file, save_file

import intone
from intone.errors import ModelError, UsageError
from intone.features import Inputs, Sounds
from intone.hear import engines
from intone.hear.modelfile import Card
from intone.learn import batches, candidate, fit, learners, run, stages, tune
from intone.learn import recipe as recipes
from intone.learn.fit import Lesson
from intone.learn.networks.encoder import encoder
from intone.learn.recipe import NetworkPart, TrainingPart, TrainingRecipe
from tests.learn.test_encoder import TINY, at, noise
from tests.sung import RECIPE

pytestmark = pytest.mark.xdist_group("keras")
TEXT = (
    RECIPE.replace('recipe = "mfcc40"', 'recipe = "waveform"\ntrim = 30')
    .replace(
        'kind = "lstm"\nunits = 8\ndense = [16]\ndropout = 0.1',
        f'kind = "encoder"\nbackbone = "{TINY.as_posix()}"\nlayers = 1\nheads = 2\nembedding = 8\nfrozen = 1',
    )
    .replace('protocol = "random"', 'protocol = "unseen-speakers"\ntest_speakers = ["tess-YAF"]')
    .replace('beside = "leave-one-speaker-out"', "")
    .replace("batch = 16", "batch = 14")
    + 'schedule = "one-cycle"\nbackbone_rate = 0.005\nweight_decay = 0.01\nlabel_smoothing = 0.1\naveraging = 0.5\n'
    'fresh = ["speed", "gain", "noise"]\nmasks = 1\nprobe = 2\n'
)
KEY = "unseen-speakers/unseen-speakers/seed-5"
SOUNDS = Sounds(tuple(noise(samples, seed=samples) for samples in range(2_000, 12_000, 500)))


class StoppedError(Exception):
    """Stands for a kill."""


@pytest.fixture(scope="module")
def plan() -> TrainingRecipe:
    return recipes.parse(TEXT)


@pytest.fixture(scope="module")
def finished(sung_tess: Path, plan: TrainingRecipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "sung"
    run.train(plan, sung_tess, out)
    return out


def lesson(*, seed: int = 1) -> Lesson[Sounds]:
    truth = np.arange(len(SOUNDS)) % 3
    return Lesson(train=SOUNDS, truth=truth, watched=SOUNDS[:0], watched_truth=truth[:0], labels=3, seed=seed)


def tuned(training: TrainingPart, **options: Any) -> Any:
    part = NetworkPart("encoder", {"backbone": str(TINY), "layers": 2, "embedding": 8, **options})
    return tune.tune(lesson(), part, training, tick=lambda *_: None)


# --- The run ----------------------------------------------------------------------------------------------------------


def test_it_learns_and_leaves_a_model_that_hears_the_waveform(finished: Path, sung_tess: Path) -> None:
    card = Card.from_json((finished / "card.json").read_text(encoding="utf-8"), name="sung")
    assert (card.input, card.rate, card.trim, card.feature_recipe) == ("waveform", 16_000, 30.0, "")
    losses = pd.read_csv(finished / "history.csv")["loss"]
    assert losses.iloc[-1] < losses.iloc[0]
    files = pd.read_csv(finished / "files.csv")
    rows = files[files[KEY] == "test"]
    logits = np.load(finished / "logits.npz")[KEY]
    heard = candidate.load(finished).logits([intone.hear.audio.load(sung_tess / path) for path in rows["path"]])
    assert np.abs(heard - logits).max() <= 1e-4


def test_a_stopped_run_resumes_to_the_same_numbers(
    finished: Path, sung_tess: Path, plan: TrainingRecipe, tmp_path: Path
) -> None:
    def stop(what: str, done: int, total: int, remark: str) -> None:
        if what != "Listening" and done == 2:
            raise StoppedError

    with pytest.raises(StoppedError):
        run.train(plan, sung_tess, tmp_path / "sung", progress=stop)
    run.train(plan, sung_tess, tmp_path / "sung", resume=True)
    for name in ("metrics.json", "history.csv"):
        assert (tmp_path / "sung" / name).read_bytes() == (finished / name).read_bytes()
    assert json.loads((finished / "robustness.json").read_text(encoding="utf-8"))["rows"][0]["changed"] == 0


def test_a_stopped_run_is_not_gone_on_with_on_other_pretrained_weights(
    finished: Path, sung_tess: Path, plan: TrainingRecipe, tmp_path: Path
) -> None:
    weights = TINY / "model.safetensors"
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert json.loads((finished / "environment.json").read_text(encoding="utf-8"))["backbone_sha256"] == digest
    own = shutil.copytree(TINY, tmp_path / "backbone")
    mine = recipes.parse(plan.text.replace(TINY.as_posix(), own.as_posix()))

    def stop(*_: object) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        run.train(mine, sung_tess, tmp_path / "sung", progress=lambda what, *_: None if what == "Listening" else stop())
    numbers = load_file(own / weights.name)
    save_file(
        {name: tensor if "positions" in name else 2 * tensor for name, tensor in numbers.items()}, own / weights.name
    )
    with pytest.raises(UsageError, match="other weights"):
        run.train(mine, sung_tess, tmp_path / "sung", resume=True)


def test_the_network_opens_with_plain_keras(finished: Path) -> None:
    plain = keras.models.load_model(finished / "model.keras")
    assert sorted(plain.input) == ["lengths", "waveform"]


# --- The training -----------------------------------------------------------------------------------------------------


def test_pretrained_layers_learn_at_their_own_rate_and_frozen_ones_not_at_all() -> None:
    one = TrainingPart(epochs=1, batch=len(SOUNDS), learning_rate=1e-2, backbone_rate=1e-4)
    before = encoder(labels=3, backbone=TINY, layers=2, embedding=8)
    after = tuned(one, frozen=2)
    moved = {
        name: float(np.abs(after.get_layer(name).get_weights()[0] - before.get_layer(name).get_weights()[0]).max())
        for name in ("convolution_1", "layer_1_q", "layer_2_q")
    }
    assert moved["convolution_1"] == moved["layer_1_q"] == 0
    assert moved["layer_2_q"] == pytest.approx(1e-4, rel=0.05)  # Adam's first step is the rate itself
    scale = after.get_layer("pool_scale").get_weights()[0]
    assert np.abs(scale - 1).max() == pytest.approx(1e-2, rel=0.05)


def test_a_head_that_was_probed_answers_before_the_rest_has_learned() -> None:
    still = TrainingPart(epochs=1, batch=8, learning_rate=1e-9, label_smoothing=0.1)
    truth = lesson().truth

    def right(network: Any) -> float:
        to_logits = keras.Model(network.input, {"logits": network.get_layer("logits").output})
        return float((tune.logits(to_logits, SOUNDS).argmax(axis=1) == truth).mean())

    probed = tuned(dataclasses.replace(still, probe=300), mix=2, frozen=3, dropout=0.0)
    assert right(probed) > 0.8 > right(tuned(still, mix=2, frozen=3, dropout=0.0))
    fresh = encoder(labels=3, backbone=TINY, layers=2, embedding=8, mix=2)
    kept = [network.get_layer("layer_1_q").get_weights()[0] for network in (probed, fresh)]
    assert np.array_equal(*kept)


def test_batches_are_the_whole_training_part_in_like_lengths_and_another_order_each_epoch() -> None:
    training = TrainingPart(batch=4, fresh=("speed", "noise"))
    drawn = batches.Batches(lesson(), training, None)
    first, second = drawn.order(0), drawn.order(1)
    assert len(drawn) == len(first) == 5
    assert sorted(np.concatenate(first)) == sorted(np.concatenate(second)) == list(range(len(SOUNDS)))
    assert [row.tolist() for row in first] != [row.tolist() for row in second]
    assert max(np.ptp(SOUNDS.lengths[rows]) for rows in first) == 3 * 500
    once, again, later = (drawn.heard(epoch, first[0]) for epoch in (0, 0, 1))
    assert once.values.shape[1] % batches.STEP == 0
    assert np.array_equal(once.values, again.values)
    assert once.lengths is not None
    assert later.lengths is not None
    assert not np.array_equal(once.lengths, later.lengths)


def test_long_sounds_are_cut_at_random_and_short_ones_left() -> None:
    drawn = batches.Batches(lesson(), TrainingPart(crop=50), None)
    every = np.arange(len(SOUNDS))
    first, second = (drawn.heard(epoch, every) for epoch in (0, 1))
    assert first.lengths is not None
    assert first.lengths.tolist() == np.minimum(SOUNDS.lengths, 8_000).tolist()
    for row, sound in enumerate(SOUNDS.values):
        assert np.array_equal(first.values[row], second.values[row]) == (len(sound) <= 8_000)


def test_what_is_watched_is_told_each_epoch() -> None:
    given, told = lesson(), list[dict[str, float]]()
    watching = dataclasses.replace(given, watched=SOUNDS[:5], watched_truth=given.truth[:5])
    part = NetworkPart("encoder", {"backbone": str(TINY), "layers": 0, "embedding": 8})
    one = TrainingPart(epochs=1, batch=len(SOUNDS))
    network = tune.tune(watching, part, one, tick=lambda _done, _total, line: told.append(line))
    heard = at(network, "probabilities")(SOUNDS[:5].padded().feed())[0]
    right = heard[np.arange(5), given.truth[:5]]
    assert told[0]["val_loss"] == pytest.approx(-np.log(right).mean(), abs=1e-4)
    assert told[0]["val_accuracy"] == (heard.argmax(axis=1) == given.truth[:5]).mean()


def test_a_balanced_epoch_is_even_over_corpora_labels_and_speakers() -> None:
    rows = np.arange(len(SOUNDS))
    origin = pd.DataFrame({"corpus": np.where(rows < 4, "small", "large"), "speaker": np.where(rows % 4, "ann", "bob")})
    balanced = TrainingPart(batch=6, balance="corpora", per_epoch=24)
    drawn = batches.Batches(dataclasses.replace(lesson(), origin=origin), balanced, None)
    first, second = (np.concatenate(drawn.order(epoch)) for epoch in (0, 1))
    assert len(drawn) == 4
    assert len(set(first)) == 24  # each time with a ticket of its own, by which the sound is changed
    assert not np.array_equal(first, second)
    counts = origin.assign(label=lesson().truth).iloc[first % len(rows)].value_counts(["corpus", "label"])
    assert counts.to_dict() == {(corpus, label): 4 for corpus in ("small", "large") for label in range(3)}


def test_a_corpus_without_a_label_says_nothing_of_it() -> None:
    corpora = np.where(np.arange(len(SOUNDS)) < 10, "whole", "partial")
    truth = np.where(corpora == "whole", lesson().truth, 0)
    given = dataclasses.replace(
        lesson(), truth=truth, origin=pd.DataFrame({"corpus": corpora, "speaker": ""}), labels=4
    )
    front = encoder(labels=4, backbone=TINY, layers=0)
    front = keras.Model(front.input, front.get_layer("log_mel").output)
    smooth = TrainingPart(batch=len(SOUNDS), label_smoothing=0.2)
    (fed, targets), *_ = batches.Batches(given, smooth, front).of(0)
    partial = (fed["beside"] < 0).any(axis=1)
    assert partial.sum() == 10
    assert (fed["beside"][partial] < 0).tolist() == [[False, True, True, False]] * 10  # the fourth label nobody has
    assert targets[partial] == pytest.approx(np.array([[0.9, 0, 0, 0.1]] * 10))
    assert targets.sum(axis=1) == pytest.approx(1)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    assert float(loss(targets, fed["beside"])) == pytest.approx((np.log(4) + np.log(2)) / 2)


def test_the_upper_part_hears_what_the_whole_does() -> None:
    whole = encoder(labels=3, backbone=TINY, layers=2)
    upper = encoder(labels=3, backbone=TINY, layers=2, start="log_mel")
    stages.carry_over(upper, whole)
    sounds = SOUNDS[:4].padded(multiple=batches.STEP)
    assert sounds.lengths is not None
    frames = at(whole, "log_mel")(sounds.feed())[0]
    heard = at(upper, "logits")(Inputs(frames, -(-sounds.lengths // 160)).feed())[0]
    assert np.abs(heard - at(whole, "logits")(sounds.feed())[0]).max() <= 1e-4


def test_one_cycle_rises_and_falls() -> None:
    rate = fit.rate(TrainingPart(learning_rate=0.01, schedule="one-cycle"), 100)
    rates = [float(rate(step)) for step in (0, 30, 65, 100)]
    assert rates == pytest.approx([0.0004, 0.01, 0.005, 0], abs=1e-5)


# --- What is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('recipe = "waveform"', 'recipe = "mfcc40"', "needs [features] recipe = 'waveform'"),
        ("layers = 1", "layer = 1", "Did you mean 'layers'"),
        ("backbone = ", "# ", "needs 'backbone'"),
        ('"speed"', '"sped"', "Did you mean 'speed'"),
        ("frozen = 1", "frozen = -1", "from 0 on"),
        ("frozen = 1", "weighed = true", "weighed without voice"),
        ("frozen = 1", "averaged = 2", "averaged without voice"),
        ("frozen = 1", "voice = 5", "0 to 1"),
        ("frozen = 1", 'voice = "two"', "0 to 1"),
        ("frozen = 1", "voice = [0, 2]", "0 to 1"),
        ("frozen = 1", "voice = []", "0 to 1"),
        ("masks = 1", "per_epoch = 100", "per_epoch without balance means nothing"),
    ],
)
def test_a_recipe_that_does_not_fit_is_refused_before_the_work(before: str, after: str, says: str) -> None:
    assert before in TEXT
    with pytest.raises(UsageError) as refused:
        learners.check(recipes.parse(TEXT.replace(before, after)))
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('recipe = "mfcc40"', 'recipe = "waveform"', "lstm learns from features"),
        ("seeds", 'fresh = ["gain"]\nseeds', "fresh means nothing to lstm"),
        ("seeds", 'balance = "corpora"\nseeds', "balance means nothing to lstm"),
        ("seeds", "probe = 3\nseeds", "probe means nothing to lstm"),
    ],
)
def test_other_models_refuse_what_is_the_encoders(before: str, after: str, says: str) -> None:
    with pytest.raises(UsageError, match=says.replace("[", r"\[")):
        learners.check(recipes.parse(RECIPE.replace(before, after)))


def test_a_backbone_that_is_not_there_is_missed_before_the_work() -> None:
    with pytest.raises(ModelError, match="not a Whisper model"):
        learners.check(recipes.parse(TEXT.replace(TINY.as_posix(), TINY.parent.as_posix())))


def test_too_many_layers_are_refused() -> None:
    with pytest.raises(UsageError, match="which the backbone has"):
        tuned(TrainingPart(), layers=9)
    with pytest.raises(UsageError, match="mix is 4; accepted are 1 to 3"):
        tuned(TrainingPart(), mix=4)


# --- Silence ----------------------------------------------------------------------------------------------------------


def test_silence_is_cut_off_both_ends_and_never_all_of_a_sound() -> None:
    sound = np.concatenate([np.zeros(8_000, np.float32), noise(8_000), np.zeros(8_000, np.float32)])
    kept = engines.without_silence(sound, 40.0)
    assert 7_000 < len(kept) < 13_000
    assert np.array_equal(engines.without_silence(sound, 0.0), sound)
    click = np.zeros(8_000, np.float32)
    click[-1] = 1
    assert len(engines.without_silence(click, 40.0)) >= 1_600
