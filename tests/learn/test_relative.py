"""The relative network: it knows what a speaker sounds like otherwise, and how far to trust that."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnxruntime
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import log_softmax

import intone
from intone import Baseline
from intone.emotions import Emotion
from intone.errors import BaselineError, ModelError, NoSpeechError, UsageError
from intone.features import Inputs, Sounds
from intone.hear import audio, modelfile
from intone.hear.answering import softmax
from intone.hear.engines import nobody
from intone.hear.modelfile import Card
from intone.learn import beside, episodes, learners, quantise, relation, run, stored, tune
from intone.learn import recipe as recipes
from intone.learn.episodes import MAKE_UPS, Cast
from intone.learn.fit import Lesson
from intone.learn.learners import ToldNetwork
from intone.learn.networks.encoder import encoder
from intone.learn.networks.relative import relative
from intone.learn.recipe import NetworkPart, TrainingPart
from intone.learn.stored import StoredRun
from tests.learn.test_encoder import TINY, noise
from tests.sung import RECIPE

pytestmark = pytest.mark.xdist_group("keras")
LABELS = tuple(map(str, Emotion))
REST = LABELS.index("neutral")
CARD = Card(
    name="tiny", labels=LABELS, input="waveform", feature_recipe="", corpora={}, speakers=(), licence="MIT", recipe="",
    recipe_sha256="abc", baselines=True, temperature=20.0,
)  # fmt: skip
PART = NetworkPart("relative", {"backbone": str(TINY), "layer": 1, "hidden": 256})
Floats = NDArray[np.float32]
NO_TICK: Any = lambda *_: None  # noqa: E731


def lesson(voices: int = 4, each: int = 12) -> Lesson[Sounds]:
    """Make speakers of differing colour who, when angry, are brighter than otherwise."""
    random = np.random.default_rng(3)
    sounds, truth, speakers = [], [], []
    for voice in range(voices):
        for take in range(each):
            label = (LABELS.index("anger"), REST)[take % 2]
            sound = random.normal(0, 0.1, 4_800 + 160 * take)
            smooth = 1 + 2 * voice + (0 if label != REST else 3)
            sounds.append(np.convolve(sound, np.ones(smooth) / smooth, "same").astype(np.float32))
            truth.append(label)
            speakers.append(f"voice-{voice}")
    origin = pd.DataFrame({"corpus": "made", "speaker": speakers})
    nothing = Sounds(())
    return Lesson(Sounds(tuple(sounds)), np.array(truth), nothing, np.zeros(0, np.int64), 7, 1, origin)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> ToldNetwork:
    training = TrainingPart(epochs=12, batch=16, learning_rate=0.01)
    folder = tmp_path_factory.mktemp("fold")
    return ToldNetwork(relation.train(lesson(), PART, training, tick=NO_TICK, folder=folder))


@pytest.fixture(scope="module")
def file(trained: ToldNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / f"tiny{modelfile.SUFFIX}"
    trained.write(CARD, path, proof=lesson().train)
    return path


@pytest.fixture(scope="module")
def weighed(tmp_path_factory: pytest.TempPathFactory) -> ToldNetwork:
    training = TrainingPart(epochs=12, batch=16, learning_rate=0.01)
    part = NetworkPart("relative", {**PART.options, "weighed": True})
    folder = tmp_path_factory.mktemp("weighed")
    return ToldNetwork(relation.train(lesson(), part, training, tick=NO_TICK, folder=folder))


# --- Learning ---------------------------------------------------------------------------------------------------------


def test_it_learns_and_the_backbone_stays_as_it_was(trained: ToldNetwork) -> None:
    whole = lesson()
    assert (trained.logits(whole.train).argmax(axis=1) == whole.truth).mean() > 0.8
    fresh = relative(labels=7, backbone=TINY, layer=1)
    for layer in fresh.layers:
        if layer.name.startswith(("layer_", "convolution_")):
            kept = trained._network.whole.get_layer(layer.name).get_weights()
            assert all(np.array_equal(one, other) for one, other in zip(layer.get_weights(), kept, strict=True))


class StoppedError(Exception):
    """Stands for a kill, at a point that the test chooses."""


def another(folder: Path) -> Path:
    """Make a fold's folder, in which nothing was taught yet."""
    return Path(tempfile.mkdtemp(dir=folder))


def test_the_same_seed_gives_the_same_network(tmp_path: Path) -> None:
    training = TrainingPart(epochs=2, batch=16, learning_rate=0.01, balance="corpora")
    one, other = (
        learners.ToldNetwork(relation.train(lesson(), PART, training, tick=NO_TICK, folder=another(tmp_path)))
        for _ in range(2)
    )
    assert np.array_equal(one.logits(lesson().train), other.logits(lesson().train))


def test_copies_are_versions_of_their_originals_and_no_further_utterances(tmp_path: Path) -> None:
    one = lesson()
    assert one.origin is not None
    training = TrainingPart(epochs=2, batch=16, learning_rate=0.01)

    def taught_with(other: Sounds, folder: Path) -> ToldNetwork:
        twice = replace(
            one,
            train=Sounds.joined([one.train, other]),
            truth=np.tile(one.truth, 2),
            origin=pd.concat([one.origin] * 2),
        )
        part = replace(training, copies=1, augment=("gain",))
        return ToldNetwork(relation.train(twice, PART, part, tick=NO_TICK, folder=folder))

    quieter = Sounds(tuple(0.5 * sound for sound in one.train.values))  # level is nothing to it: the same once more
    rougher = Sounds(tuple(sound + noise(len(sound), seed=1) for sound in one.train.values))
    once = ToldNetwork(relation.train(one, PART, training, tick=NO_TICK, folder=another(tmp_path))).logits(one.train)
    folder = another(tmp_path)
    assert np.abs(taught_with(rougher, folder).logits(one.train) - once).max() > 0.01
    # An epoch is as long as before: with copies of no new sound only the dice have fallen otherwise.
    assert len(pd.read_csv(folder / "history.csv")) == 2
    same = taught_with(quieter, another(tmp_path)).logits(one.train)
    assert (same.argmax(axis=1) == once.argmax(axis=1)).mean() > 0.8


def test_beside_nothing_but_anger_two_heads_still_hear_anger(weighed: ToldNetwork) -> None:
    whole = lesson()
    assert (weighed.logits(whole.train).argmax(axis=1) == whole.truth).mean() > 0.8
    heard = weighed._network.hear(whole.train)
    voices = heard.voice
    assert voices is not None
    assert whole.origin is not None
    cast = Cast(whole.origin["speaker"].tolist(), whole.truth, REST)
    anger, dice = LABELS.index("anger"), np.random.default_rng(0)
    angry = whole.truth == anger

    def recalled(make_up: str) -> float:
        drawn = [cast.references(row, make_up, 5, dice, label=anger) for row in range(len(whole.truth))]
        beside = episodes.vectors(voices, drawn, [False] * len(drawn))
        return float((weighed._network.answers(heard, beside).argmax(axis=1) == whole.truth)[angry].mean())

    assert recalled("balanced") > 0.9
    assert recalled("only") > 0.8
    gate = weighed._network._head.get_layer("of_one_emotion")
    learned = gate.get_weights()
    gate.set_weights([np.zeros_like(learned[0]), np.full(1, -99.0)])  # as if no baseline were ever of one emotion
    deceived = recalled("only")
    gate.set_weights(learned)
    assert deceived < recalled("only")


def test_each_of_two_heads_learns_from_its_own_sets_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training = TrainingPart(epochs=2, batch=16, learning_rate=0.01, weight_decay=0.1)
    part = NetworkPart("relative", {**PART.options, "weighed": True})

    def learned() -> tuple[list[Any], list[Any]]:
        head = relation.train(lesson(), part, training, tick=NO_TICK, folder=another(tmp_path))._head
        beyond, knowing = ("beyond_apart", "beyond_logits"), ("relative_apart", "relative_usual", "knowing_logits")
        one, other = ([w for name in names for w in head.get_layer(name).get_weights()] for names in (beyond, knowing))
        return one, other

    def same(some: list[Any], others: list[Any]) -> bool:
        return all(np.array_equal(one, other) for one, other in zip(some, others, strict=True))

    beyond, knowing = learned()
    with monkeypatch.context() as other_sets:
        other_sets.setattr(episodes, "VARIED", ("none",))
        changed, kept = learned()
    assert not same(beyond, changed)
    assert same(knowing, kept)
    monkeypatch.setattr(episodes, "MAKE_UPS", ("none", "mixed", "only"))
    kept, changed = learned()
    assert same(beyond, kept)
    assert not same(knowing, changed)


def test_of_two_heads_only_the_one_that_is_told_everything_learns_from_copies(tmp_path: Path) -> None:
    training = TrainingPart(epochs=2, batch=16, learning_rate=0.01, copies=1, augment=("gain",))
    part = NetworkPart("relative", {**PART.options, "weighed": True})
    sounds = lesson().train.values

    def learned(copies: tuple[Any, ...]) -> dict[str, Any]:
        one = lesson()
        both = replace(
            one, train=Sounds(sounds + copies), truth=np.tile(one.truth, 2), origin=pd.concat([one.origin] * 2)
        )
        head = relation.train(both, part, training, tick=NO_TICK, folder=another(tmp_path))._head
        return {name: head.get_layer(name).get_weights()[0] for name in ("beyond_apart", "relative_apart")}

    # The population is the same; only whose copy is whose is not.
    own, exchanged = learned(sounds), learned(sounds[::-1])
    assert np.allclose(own["beyond_apart"], exchanged["beyond_apart"], atol=1e-4)
    assert not np.allclose(own["relative_apart"], exchanged["relative_apart"], atol=1e-2)


@pytest.mark.parametrize(("weighed", "answering"), [(False, "told"), (True, "knowing")])
def test_averaged_heads_answer_together(tmp_path: Path, weighed: bool, answering: str) -> None:
    """Without a baseline, those that are told only how a voice differs from it say nothing."""
    part = NetworkPart("relative", {**PART.options, "weighed": weighed, "averaged": 2})
    training = TrainingPart(epochs=4, batch=16, learning_rate=0.01)
    network = relation.train(lesson(), part, training, tick=NO_TICK, folder=another(tmp_path))
    heard = network.hear(lesson().train)
    assert heard.voice is not None
    beside = np.tile(nobody(heard.voice.shape[1]), (len(heard.voice), 1))
    layers = [network._head.get_layer(answering + place) for place in ("", "_2")]
    given = {"voice": heard.voice, "baseline": beside}
    logits = keras.Model(network._head.input, [layer.output for layer in layers])(given)
    each = [log_softmax(keras.ops.convert_to_numpy(some), axis=1) for some in logits]
    assert np.allclose(network.answers(heard, beside), np.mean(each, axis=0), atol=1e-4)
    assert (np.mean(each, axis=0).argmax(axis=1) == lesson().truth).mean() > 0.8


def test_averaged_heads_are_shown_different_sets_and_taught_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = NetworkPart("relative", {**PART.options, "weighed": True, "averaged": 2})
    training = TrainingPart(epochs=2, batch=16, learning_rate=0.01)
    names = [f"{kind}{place}_apart" for kind in ("beyond", "relative") for place in ("", "_2")]

    def learned() -> list[Any]:
        head = relation.train(lesson(), part, training, tick=NO_TICK, folder=another(tmp_path))._head
        return [head.get_layer(name).get_weights()[0] for name in names]

    before = learned()
    monkeypatch.setattr(relation, "ANOTHER", 7)
    pairs = zip(names, before, learned(), strict=True)
    assert [name for name, one, other in pairs if not np.array_equal(one, other)] == names[1::2]


def test_the_means_of_parts_stand_behind_that_of_the_whole() -> None:
    network = relative(labels=7, backbone=TINY, layer=0, parts=2)
    heard = {name: network.input[name] for name in ("waveform", "lengths")}
    below = keras.Model(heard, network.get_layer("voice").output)
    even, longer = noise(6_400), noise(16_000)

    def voices(*sounds: Any) -> Any:
        return keras.ops.convert_to_numpy(below(Inputs.of_sounds(sounds).feed()))

    (alone,) = voices(even)
    mean, _deviation, first, second = np.split(alone, 4)
    assert np.allclose((first + second) / 2, mean, atol=1e-4)
    assert np.allclose(voices(even, longer)[0], alone, atol=1e-3)  # padding is no part
    dull = np.convolve(even, np.ones(8) / 8, "same")[3_200:]
    dull *= np.float32(np.std(even[3_200:]) / np.std(dull))  # as loud, so that the level of the whole stays
    _, _, as_before, changed = np.split(voices(np.concatenate([even[:3_200], dull]).astype(np.float32))[0], 4)
    assert np.abs(changed - second).mean() > 2 * np.abs(as_before - first).mean()


def test_a_model_that_hears_parts_is_written(tmp_path: Path) -> None:
    part = NetworkPart("relative", {**PART.options, "parts": 2})
    training = TrainingPart(epochs=2, batch=16, learning_rate=0.01)
    network = ToldNetwork(relation.train(lesson(), part, training, tick=NO_TICK, folder=tmp_path))
    sounds, path = lesson().train[:6], tmp_path / f"parts{modelfile.SUFFIX}"
    network.write(CARD, path, proof=sounds)
    heard, baseline = network._network.hear(sounds), intone.load(path).baseline(list(sounds.values), rate=16_000)
    assert heard.voice is not None
    assert baseline.mean.shape == (4 * 16,)  # mean, deviation and two halves of one layer
    assert np.allclose(baseline.mean, heard.voice.mean(axis=0), atol=1e-3)


def test_what_two_heads_answer_survives_the_file_and_eight_bits(weighed: ToldNetwork, tmp_path: Path) -> None:
    exact, small = tmp_path / f"exact{modelfile.SUFFIX}", tmp_path / f"small{modelfile.SUFFIX}"
    sounds = lesson().train[:6]
    weighed.write(replace(CARD, temperature=1.0), exact, proof=sounds)
    quantise.write(exact, small)
    heard = weighed._network.hear(sounds)
    for path, near in ((exact, 1e-4), (small, 0.05)):
        hearing = intone.load(path)
        baseline = hearing.baseline(list(sounds.values), rate=16_000)
        assert heard.voice is not None
        assert np.allclose(baseline.mean, heard.voice.mean(axis=0), atol=near * 2)
        expected = softmax(weighed._network.answers(heard, baseline.vector).astype(np.float64))
        found = hearing.predict_batch(list(sounds.values), rate=16_000, baseline=baseline)
        for one, scores in zip(found, expected, strict=True):
            assert list(one.scores.values()) == pytest.approx(scores, abs=near)


def test_an_encoders_second_head_leaves_the_first_as_it_is(tmp_path: Path) -> None:
    options = {"backbone": str(TINY), "layers": 2, "embedding": 8, "heads": 2}
    training = TrainingPart(epochs=1, batch=16, learning_rate=0.01, fresh=("noise",))
    some = lesson().train[:6]
    plain = tune.tune(lesson(), NetworkPart("encoder", options), training, tick=NO_TICK)
    told = tune.tune(
        lesson(),
        NetworkPart("encoder", {**options, "voice": [0, 2], "weighed": True, "averaged": 2}),
        training,
        tick=NO_TICK,
    )
    main = keras.Model(plain.input, {"logits": plain.get_layer("logits").output})
    heard = told.hear(some)
    assert np.abs(tune.logits(main, some) - heard.logits).max() < 1e-4
    network = learners.ToldNetwork(told)
    path = tmp_path / f"told{modelfile.SUFFIX}"
    network.write(CARD, path, proof=lesson().train)
    hearing = intone.load(path)
    usual = hearing.baseline(list(some.values), rate=16_000)
    expected = softmax(network.logits(some).astype(np.float64) / CARD.temperature)
    found = hearing.predict_batch(list(some.values), rate=16_000)
    for one, scores in zip(found, expected, strict=True):
        assert list(one.scores.values()) == pytest.approx(scores, abs=1e-4)
    assert found[0].attention is not None
    told_so = hearing.predict(some.values[0], rate=16_000, baseline=usual)
    assert told_so.scores != pytest.approx(found[0].scores, abs=1e-4)


def test_an_encoders_second_head_is_taught_once_and_tells_how_far_it_is(tmp_path: Path) -> None:
    options = {"backbone": str(TINY), "layers": 2, "embedding": 8, "heads": 2, "voice": [1, 2], "weighed": True}
    training = TrainingPart(epochs=2, batch=16, learning_rate=0.01, fresh=("noise",), copies=1, augment=("gain",))
    part, some, one = NetworkPart("encoder", options), lesson().train[:6], lesson()
    twice = replace(
        one, train=Sounds(one.train.values * 2), truth=np.tile(one.truth, 2), origin=pd.concat([one.origin] * 2)
    )
    told = list[tuple[int, int, bool]]()

    def trained(folder: Path, stop: int = 0) -> Floats:
        def tick(done: int, total: int, line: dict[str, float]) -> None:
            told.append((done, total, bool(line)))
            if done == stop:
                raise StoppedError

        network = tune.tune(twice, part, training, tick=tick, folder=folder)
        heard = network.hear(some)
        assert heard.voice is not None
        answers: Floats = network.answers(heard, episodes.vectors(heard.voice, [np.arange(4)], [False]))
        return answers

    whole, steps = trained(another(tmp_path)), training.epochs + relation.steps(training)
    assert [(done, total) for done, total, _ in told] == [(done + 1, steps) for done in range(steps)]
    # Behind two epochs: the sounds, their copies, and a version of them that is changed anew.
    assert [done for done, _, learned in told if not learned] == [3, 4, 5]
    folder = another(tmp_path)
    with pytest.raises(StoppedError):
        trained(folder, stop=steps - 1)
    assert np.allclose(trained(folder), whole, atol=1e-6)
    told.clear()
    assert np.allclose(trained(folder), whole, atol=1e-6)
    assert told == []


def test_copies_are_an_encoders_second_heads_alone(tmp_path: Path) -> None:
    options = {"backbone": str(TINY), "layers": 2, "embedding": 8, "heads": 2, "voice": [1, 2]}
    training = TrainingPart(epochs=1, batch=16, learning_rate=0.01)
    one, part = lesson(), NetworkPart("encoder", options)
    rougher = tuple(sound + noise(len(sound), seed=1) for sound in one.train.values)
    twice = replace(
        one, train=Sounds(one.train.values + rougher), truth=np.tile(one.truth, 2), origin=pd.concat([one.origin] * 2)
    )
    copied = replace(training, copies=1, augment=("noise",))
    once = tune.tune(one, part, training, tick=NO_TICK)
    more = tune.tune(twice, part, copied, tick=NO_TICK)
    first, second = (network.hear(one.train) for network in (once, more))
    assert np.allclose(first.logits, second.logits, atol=1e-6)  # of the head that knows no speakers
    assert first.voice is not None
    assert second.voice is not None
    beside = nobody(first.voice.shape[1])
    assert np.abs(once.answers(first, beside) - more.answers(second, beside)).max() > 0.01


def test_the_main_head_counts_a_fifth_beside_two_however_large_the_baseline() -> None:
    whole = encoder(labels=3, backbone=str(TINY), layers=2, embedding=8, heads=2, voice=[1, 2], weighed=True)
    sounds = Inputs.of_sounds([noise(8000, seed=1)])
    parts = {name: whole.get_layer(name).output for name in ("main", "apart", "logits", "voice")}
    ask = keras.Model(whole.input, parts)
    width = parts["voice"].shape[-1]
    voices = np.random.default_rng(0).normal(0, 1, (20, width)).astype(np.float32)
    for count in (1, 20):
        beside = episodes.vectors(voices, [np.arange(count)], [False])
        found = {name: keras.ops.convert_to_numpy(each) for name, each in ask(sounds.beside(beside).feed()).items()}
        expected = 0.2 * log_softmax(found["main"], axis=1) + 0.8 * log_softmax(found["apart"], axis=1)
        assert np.allclose(found["logits"], expected, atol=1e-5)


def test_the_first_layer_does_not_tell_what_is_no_speech(tmp_path: Path) -> None:
    options = {"backbone": str(TINY), "layers": 2, "embedding": 8, "heads": 2, "voice": [1, 2]}
    training = TrainingPart(epochs=1, batch=16, learning_rate=0.01)
    network = ToldNetwork(tune.tune(lesson(), NetworkPart("encoder", options), training, tick=NO_TICK))
    some = lesson().train[:6]
    limit, numbers = learners.strangest(network, some)
    voices = network._network.hear(some).voice
    assert voices is not None
    width = voices.shape[1] // 4  # means of two layers, then deviations
    high = np.concatenate([voices[:, width : 2 * width], voices[:, 3 * width :]], axis=1)
    assert np.allclose(network.strangeness(some), np.square(high).mean(axis=1), rtol=1e-5)
    # At this threshold nothing but strangeness makes an answer unsure.
    card = replace(CARD, strangest=limit, strange_numbers=numbers, temperature=1.0, threshold=0.0)
    assert Card.from_json(card.to_json(), name="card") == card
    path = tmp_path / f"told{modelfile.SUFFIX}"
    network.write(card, path, proof=some)
    strange = (np.square(high).mean(axis=1) > limit).tolist()
    assert set(strange) == {False, True}
    assert [each.unsure for each in intone.load(path).predict_batch(list(some.values), rate=16_000)] == strange
    beyond = replace(card, strange_numbers=((0, 9 * width),))
    network.write(beyond, path, proof=some)
    with pytest.raises(ModelError, match="numbers of a voice"):
        intone.load(path).predict(some.values[0], rate=16_000)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("layer = 1", "Did you mean 'layer'"),
        ("weighed = true", "accepted are true and false"),
        ("averaged = 2", "accepted is a whole number from 1 to 20"),
        ("parts = 3", "parts is True; accepted is a whole number from 1 to 20"),
        ('recipe = "waveform"', "hears the sound itself"),
        ("epochs = 2", "fresh means nothing to relative"),
        ('augment = ["speed"]', "no augmentation 'sped'. Did you mean 'speed'?"),
    ],
)
def test_a_recipe_that_does_not_fit_is_refused(setting: str, says: str) -> None:
    wrong = {
        "layer = 1": "layr = 1",
        "weighed = true": 'weighed = "no"',
        "averaged = 2": "averaged = 0",
        "parts = 3": "parts = true",
        'recipe = "waveform"': 'recipe = "mfcc40"',
        "epochs = 2": 'fresh = ["speed"]',
        'augment = ["speed"]': 'augment = ["sped"]',
    }
    text = (
        f'name = "r"\n[corpora]\nnames = ["tess"]\n[features]\nrecipe = "waveform"\n[network]\nkind = "relative"\n'
        f'backbone = "{TINY.as_posix()}"\nlayer = 1\nweighed = true\naveraged = 2\nparts = 3\n'
        f'[split]\nprotocol = "speaker-folds"\nfolds = 2\n'
        '[training]\nepochs = 2\ncopies = 1\naugment = ["speed"]\n'
    )
    learners.check(recipes.parse(text))
    with pytest.raises(UsageError) as refused:
        learners.check(recipes.parse(text.replace(setting, wrong[setting])))
    assert says in str(refused.value)


PLAN = RECIPE.replace('recipe = "mfcc40"', 'recipe = "waveform"').replace(
    'kind = "lstm"\nunits = 8\ndense = [16]\ndropout = 0.1',
    f'kind = "relative"\nbackbone = "{TINY.as_posix()}"\nlayer = [0, 1]',
)


def test_a_stopped_run_teaches_no_finished_fold_again(sung_tess: Path, tmp_path: Path) -> None:
    plan = recipes.parse(PLAN.replace("layer = [0, 1]", "layer = [0, 1]\nweighed = true\naveraged = 2"))
    taught = list[str]()
    whole = run.train(plan, sung_tess, tmp_path / "whole", progress=lambda what, *_: taught.append(what))
    first, second, *_ = [what for what in dict.fromkeys(taught) if what != "Listening"]

    def stop(what: str, done: int, total: int, remark: str) -> None:
        if what == second and done == 2:
            raise StoppedError

    with pytest.raises(StoppedError):
        run.train(plan, sung_tess, tmp_path / "sung", progress=stop)
    taught.clear()
    resumed = run.train(plan, sung_tess, tmp_path / "sung", resume=True, progress=lambda what, *_: taught.append(what))
    assert second in taught
    assert first not in taught
    assert resumed == whole
    files = [tmp_path / name / "history.csv" for name in ("whole", "sung")]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_run_fits_confidence_with_and_without_baselines(sung_tess: Path, tmp_path: Path) -> None:
    run.train(recipes.parse(PLAN), sung_tess, tmp_path / "sung")
    kept = stored.read(tmp_path / "sung")
    (fitted,) = [found for found in kept.metrics["confidence"].values() if found]
    assert set(fitted) == {"temperature", "threshold", "temperature_beside", "threshold_beside"}
    assert list(kept.refitted().values()) == [pytest.approx(fitted, rel=1e-6)]
    card = intone.load(tmp_path / "sung").card
    assert card.temperature_beside == fitted["temperature_beside"] != card.temperature
    assert "10 angry" in (tmp_path / "sung" / "report.html").read_text(encoding="utf-8")
    (condition, *_) = episodes.CONDITIONS
    assert set(kept.answers_beside(condition, "random").temperature) == {fitted["temperature_beside"]}


# --- Episodes ---------------------------------------------------------------------------------------------------------

CASTS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), min_size=1, max_size=40)


@given(CASTS, st.sampled_from(sorted(set(MAKE_UPS))), st.integers(0, 30), st.integers(0, 3), st.randoms())
def test_references_are_the_speakers_others(
    cast: list[tuple[str, int]], make_up: str, count: int, label: int, dice: Any
) -> None:
    speakers, truth = [who for who, _ in cast], np.array([what for _, what in cast])
    row = dice.randrange(len(cast))
    found = Cast(speakers, truth, rest=2).references(row, make_up, count, np.random.default_rng(0), label=label)
    assert row not in found
    assert len(set(found.tolist())) == len(found) <= count
    assert {speakers[other] for other in found} <= {speakers[row]}
    if make_up == "none":
        assert not len(found)
    if make_up in ("rest", "only"):
        assert set(truth[found].tolist()) <= {2 if make_up == "rest" else label}


def test_baselines_that_are_to_be_varied_are_of_many_utterances_and_several_emotions() -> None:
    truth = np.tile(np.arange(7), 12)
    cast, random = Cast(["a"] * len(truth), truth, rest=4), np.random.default_rng(0)
    for varied in (True, False):
        sets = [cast.drawn_for_training(row % len(truth), random, varied=varied) for row in range(200)]
        of_one = [len(set(truth[found].tolist())) < 2 for found, _ in sets]
        few = [len(found) < episodes.LEAST_VARIED for found, _ in sets]
        resting = [rest for _, rest in sets]
        assert [any(of_one), any(few), any(resting)] == [not varied] * 3


def test_each_condition_is_what_it_is_called() -> None:
    table = pd.DataFrame({
        "speaker": np.repeat(["a", "b"], 210), "emotion": np.tile(np.repeat(LABELS, 30), 2),
        "sha256": [f"{number:064x}" for number in range(420)],
    })  # fmt: skip
    for condition in episodes.CONDITIONS:
        drawn = episodes.references_of(table, LABELS, condition)
        again = episodes.references_of(table, LABELS, condition)
        assert all(np.array_equal(one, other) for one, other in zip(drawn, again, strict=True))
        counts = table["emotion"].iloc[drawn[5]].value_counts()
        if condition.startswith("20, all"):
            assert len(drawn[5]) == 20
            assert counts.max() - counts.min() == 1
        elif condition.startswith("20, four in five"):
            assert counts["neutral" if "neutral" in condition else "anger"] == 16
        else:
            assert counts.to_dict() == ({"anger": 10} if "angry" in condition else {"neutral": 3})


# --- The model file ---------------------------------------------------------------------------------------------------


def test_the_baseline_may_be_left_out(trained: ToldNetwork, file: Path) -> None:
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    some = lesson().train[:5]
    given = some.padded().named()
    found = session.run(["logits"], given)[0]
    assert np.abs(found - trained.logits(some)).max() < 1e-4
    width = session.get_outputs()[[output.name for output in session.get_outputs()].index("voice")].shape[1]
    told = session.run(["logits"], {**given, "baseline": nobody(width)})[0]
    assert np.array_equal(found, told)


def test_a_baseline_counts_and_level_and_neighbours_do_not(file: Path, tmp_path: Path) -> None:
    hearing, sounds = intone.load(file), list(lesson().train.values[:12])
    baseline = hearing.baseline(sounds, rate=16_000)
    assert baseline.count == 12
    plain = hearing.predict(sounds[0], rate=16_000)
    beside = hearing.predict(sounds[0], rate=16_000, baseline=baseline)
    assert plain.scores != pytest.approx(beside.scores, abs=1e-3)
    quiet = hearing.predict(np.float32(0.1) * sounds[0], rate=16_000, baseline=baseline)
    assert quiet.scores == pytest.approx(beside.scores, abs=1e-3)
    together = hearing.predict_batch(sounds, rate=16_000, baseline=baseline)[0]
    assert together.scores == pytest.approx(beside.scores, abs=1e-4)
    baseline.save(tmp_path / "alice.json")
    again = hearing.predict(sounds[0], rate=16_000, baseline=Baseline.load(tmp_path / "alice.json"))
    assert again.scores == pytest.approx(beside.scores, abs=1e-3)
    still = hearing.baseline(sounds, rate=16_000, rest=True)
    assert hearing.predict(sounds[0], rate=16_000, baseline=still).scores != pytest.approx(beside.scores, abs=1e-5)


def test_a_run_folders_keras_file_knows_baselines_too(trained: ToldNetwork, file: Path) -> None:
    trained.save(file.parent)
    (file.parent / "card.json").write_text(CARD.to_json(), encoding="utf-8")
    sounds = list(lesson().train.values[:4])
    pair = [intone.load(path) for path in (file, file.parent / "model.keras")]
    one, other = (hearing.baseline(sounds, rate=16_000) for hearing in pair)
    assert np.allclose(one.mean, other.mean, atol=1e-3)
    answers = [hearing.predict_batch(sounds, rate=16_000, baseline=one)[1].scores for hearing in pair]
    assert answers[0] == pytest.approx(answers[1], abs=1e-4)
    assert pair[0].predict(sounds[0], rate=16_000).scores == pytest.approx(
        pair[1].predict(sounds[0], rate=16_000).scores, abs=1e-4
    )


def test_in_eight_bits_the_baseline_may_still_be_left_out(trained: ToldNetwork, tmp_path: Path) -> None:
    exact, small = tmp_path / f"exact{modelfile.SUFFIX}", tmp_path / f"small{modelfile.SUFFIX}"
    trained.write(replace(CARD, temperature=1.0), exact, proof=lesson().train)
    quantise.write(exact, small)
    one, other = intone.load(exact), intone.load(small)
    sounds = list(lesson().train.values[:6])
    for baseline in (None, one.baseline(sounds, rate=16_000)):
        pair = [hearing.predict_batch(sounds, rate=16_000, baseline=baseline) for hearing in (one, other)]
        for exactly, nearly in zip(*pair, strict=True):
            assert nearly.emotion is exactly.emotion
            assert nearly.scores == pytest.approx(exactly.scores, abs=0.05)
    with pytest.raises(UsageError, match="in eight bits already"):
        quantise.write(small, tmp_path / "smaller.onnx")


# --- Baselines --------------------------------------------------------------------------------------------------------


@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 2**16))
def test_two_baselines_add_up_to_that_of_all(first: int, second: int, seed: int) -> None:
    voices = np.random.default_rng(seed).normal(0, 3, (first + second, 5)).astype(np.float32)

    def of(some: Any) -> Baseline:
        return Baseline.of(some, model="m", fingerprint="f", seconds=float(len(some)))

    whole, added = of(voices), of(voices[:first]) + of(voices[first:])
    assert np.allclose(whole.vector, added.vector, atol=1e-3)
    assert added.seconds == whole.seconds


def test_a_long_recording_is_several_utterances(file: Path) -> None:
    found = intone.load(file).baseline([noise(16_000 * 12)], rate=16_000)
    assert (found.count, found.seconds) == (3, 12.0)


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "no", '{"format": 2}', '{"format": 1, "model": "tiny"}',
     '{"format":1,"model":"t","fingerprint":"f","count":1,"seconds":1,"rest":false,"mean":[1],"variance":[-1]}',
     '{"format":1,"model":"t","fingerprint":"f","count":0,"seconds":1,"rest":false,"mean":[1],"variance":[1]}',
     '{"format":1,"model":"t","fingerprint":"f","count":1,"seconds":1,"rest":false,"mean":[1,2],"variance":[1]}',
     '{"format":1,"model":"t","fingerprint":"f","count":Infinity,"seconds":1,"rest":false,"mean":[1],"variance":[1]}',
     '{"format":1,"model":"t","fingerprint":"f","count":1,"seconds":1,"rest":false,"mean":[1e39],"variance":[1]}'],
)  # fmt: skip
def test_what_is_no_baseline_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "alice.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BaselineError, match=r"alice\.json"):
        Baseline.load(path)


def test_a_baseline_is_written_whole_through_a_link_and_over_no_folder(file: Path, tmp_path: Path) -> None:
    baseline = intone.load(file).baseline([noise(16_000)], rate=16_000)
    (tmp_path / "alice.json").write_text("before", encoding="utf-8")
    (tmp_path / "link.json").symlink_to(tmp_path / "alice.json")
    baseline.save(tmp_path / "link.json")
    assert Baseline.load(tmp_path / "alice.json").count == 1
    assert (tmp_path / "link.json").is_symlink()
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match="cannot be written"):
        baseline.save(tmp_path / "folder")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alice.json", "folder", "link.json"]


def test_what_is_no_speech_is_no_baseline() -> None:
    hearing = intone.load()
    spoken = audio.load(Path(__file__).parents[2] / "examples" / "plain.flac")
    hiss = np.random.default_rng(0).normal(0, 1e-3, 27 * 16_000).astype(np.float32)
    found = hearing.baseline([np.concatenate([spoken.samples, hiss])], rate=16_000)
    assert found.count <= 2
    with pytest.raises(NoSpeechError, match="no speech was heard"):
        hearing.baseline([hiss], rate=16_000)


def test_baselines_are_one_models(file: Path, tmp_path: Path) -> None:
    hearing, sound = intone.load(file), noise(16_000)
    baseline = hearing.baseline([sound], rate=16_000)
    other = Baseline("other", "abc", baseline.mean, baseline.variance, 1, 1.0)
    narrow = replace(baseline, mean=baseline.mean[:3], variance=baseline.variance[:3])
    with pytest.raises(BaselineError, match="has 3 numbers"):
        hearing.predict(sound, rate=16_000, baseline=narrow)
    with pytest.raises(BaselineError, match="made with other"):
        hearing.predict(sound, rate=16_000, baseline=other)
    with pytest.raises(UsageError, match="do not add up"):
        baseline + other
    with pytest.raises(UsageError, match="knows no speakers' baselines"):
        intone.load("intone-classic").predict(sound, rate=16_000, baseline=baseline)
    with pytest.raises(UsageError, match="knows no speakers' baselines"):
        intone.load("intone-classic").baseline([sound], rate=16_000)
    with pytest.raises(UsageError, match="at least one"):
        hearing.baseline([])
    with pytest.raises(BaselineError, match="cannot be read"):
        Baseline.load(tmp_path / "nobody.json")
    with pytest.raises(UsageError, match="cannot be written"):
        baseline.save(tmp_path / "no" / "alice.json")


# --- Scores -----------------------------------------------------------------------------------------------------------


def test_a_line_is_the_mean_over_folds_of_what_their_tests_hold() -> None:
    labels = ("anger", "fear", "neutral")
    files = pd.DataFrame({
        "path": list("abcd"), "corpus": ["x", "x", "y", "y"], "speaker": list("stuv"), "sex": "female",
        "emotion": ["anger", "fear", "anger", "neutral"],
        "leave-one-corpus-out/x/seed-1": ["test", "test", "train", "train"],
        "leave-one-corpus-out/y/seed-1": ["train", "train", "test", "test"],
    })  # fmt: skip
    right = np.eye(3, dtype=np.float32)[[0, 1, 0, 2]]
    wrong = np.eye(3, dtype=np.float32)[[0, 2, 1, 1]] + 0.5 * np.eye(3, dtype=np.float32)[[0, 1, 2, 2]]
    keys = ("leave-one-corpus-out/x/seed-1", "leave-one-corpus-out/y/seed-1")
    parts = dict(zip(keys, (right[:2], right[2:]), strict=True))
    told = {f"{name}/{key}": part for name in episodes.CONDITIONS for key, part in parts.items()}
    alone = dict(zip(keys, (wrong[:2], wrong[2:]), strict=True))
    run = StoredRun(Path(), {"labels": labels, "name": "r"}, "", files, alone, {}, told)
    plain, *others = beside.lines(run, "leave-one-corpus-out")
    assert (plain.condition, plain.ua, plain.masked, plain.anger) == ("none", 0.25, 0.75, 0.5)
    assert [line.condition for line in others] == list(episodes.CONDITIONS)
    assert {(line.ua, line.masked, line.anger) for line in others} == {(1.0, 1.0, 1.0)}
