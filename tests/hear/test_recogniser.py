"""The recogniser: the same answer however a sound is given, and every model file that is not one refused."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import intone
from intone.emotions import Emotion
from intone.errors import ModelError, RateError, SoundError, UsageError
from intone.hear import audio, modelfile
from intone.hear.answering import softmax
from intone.hear.loading import load
from intone.hear.recogniser import BATCH, Recogniser

SHIPPED = modelfile.shipped()[modelfile.DEFAULT]


@pytest.fixture(scope="module")
def hearing() -> Recogniser:
    return intone.load()


def voices(count: int = 2 * BATCH + 3) -> list[audio.Waveform]:
    """Give noises of differing length, level and colour."""
    rng = np.random.default_rng(4)
    made = []
    for number in range(count):
        noise = rng.normal(0, 0.02 * (1 + number % 5), int(rng.integers(4_500, 30_000)))
        coloured = np.convolve(noise, np.hanning(1 + number % 7 * 4 + 2))
        made.append(audio.load(coloured, rate=(8_000, 16_000, 44_100)[number % 3], name=f"voice {number}"))
    return made


# --- Answers ----------------------------------------------------------------------------------------------------------


def test_alone_and_in_a_batch_agree(hearing: Recogniser) -> None:
    sounds = voices()
    for sound, together in zip(sounds, hearing.predict_batch(sounds), strict=True):
        alone = hearing.predict(sound)
        assert together.file == alone.file == sound.name
        assert together.emotion is alone.emotion
        for emotion in Emotion:
            assert together.scores[emotion] == pytest.approx(alone.scores[emotion], abs=1e-4)


def test_neighbours_and_order_change_nothing(hearing: Recogniser) -> None:
    sounds = voices(9)
    forwards, backwards = hearing.predict_batch(sounds), hearing.predict_batch(sounds[::-1])[::-1]
    for one, other in zip(forwards, backwards, strict=True):
        assert list(one.scores.values()) == pytest.approx(list(other.scores.values()), abs=1e-4)


def test_voices_are_told_apart(hearing: Recogniser) -> None:
    answers = {tuple(round(score, 3) for score in heard.scores.values()) for heard in hearing.predict_batch(voices(9))}
    assert len(answers) == 9


def test_a_prediction_says_all_there_is(hearing: Recogniser, examples: Path) -> None:
    heard = hearing.predict(examples / "kennedy.flac")
    assert heard.duration == pytest.approx(11.0, abs=0.01)
    assert list(heard.scores) == list(Emotion)
    assert sum(heard.scores.values()) == pytest.approx(1, abs=1e-9)
    assert all(0 <= score <= 1 for score in heard.scores.values())
    assert heard.confidence == max(heard.scores.values()) == heard.scores[heard.emotion]
    like_today = hearing.predict(examples / "questioning.flac")  # Kennedy's old recording may count as no speech
    assert like_today.unsure == (like_today.confidence < hearing.card.threshold)
    assert heard.model == hearing.card.name
    lines = heard.as_pipeline()
    assert [line["score"] for line in lines] == sorted(heard.scores.values(), reverse=True)
    assert {line["label"] for line in lines} == set(map(str, Emotion))


def test_to_dict_is_json_in_the_fixed_order(hearing: Recogniser, examples: Path) -> None:
    heard = hearing.predict(examples / "plain.flac")
    told = heard.to_dict()
    assert list(told) == ["file", "emotion", "confidence", "unsure", "scores", "duration", "model"]
    assert json.loads(json.dumps(told)) == told
    assert list(told["scores"]) == list(map(str, Emotion))  # type: ignore[call-overload]
    assert [type(value) for value in told.values()] == [str, str, float, bool, dict, float, str]
    best = heard.to_dict(top=2)["scores"]
    assert isinstance(best, dict)
    assert set(best) == {str(emotion) for emotion, _ in heard.top(2)}


def test_every_kind_of_sound_is_answered_alike(hearing: Recogniser, examples: Path) -> None:
    path = examples / "plain.flac"
    waveform = audio.load(path)
    expected = list(hearing.predict(path).scores.values())
    with path.open("rb") as file:
        for sound in (str(path), path.read_bytes(), file, waveform, waveform.samples):
            assert list(hearing.predict(sound).scores.values()) == pytest.approx(expected, abs=1e-6)


def test_the_rate_is_for_arrays(hearing: Recogniser, examples: Path) -> None:
    tone = np.sin(np.arange(8_000) / 3)
    assert hearing.predict(tone, rate=8_000).duration == 1.0
    mixed = hearing.predict_batch([tone, examples / "plain.flac"], rate=8_000)
    assert [heard.duration for heard in mixed] == pytest.approx([1.0, 3.1], abs=0.1)
    with pytest.raises(RateError):
        hearing.predict((tone * 32_767).astype(np.int16))
    with pytest.raises(RateError):
        hearing.predict(examples / "plain.flac", rate=8_000)


def test_nothing_is_answered_with_nothing_and_a_bad_sound_raises(hearing: Recogniser, examples: Path) -> None:
    assert hearing.predict_batch([]) == []
    with pytest.raises(SoundError):
        hearing.predict_batch([examples / "plain.flac", examples / "missing.flac"])


def test_threads_share_a_recogniser(hearing: Recogniser) -> None:
    sounds = voices(12)
    expected = [list(hearing.predict(sound).scores.values()) for sound in sounds]
    with ThreadPoolExecutor(4) as pool:
        heard = list(pool.map(hearing.predict, sounds * 4))
    for prediction, scores in zip(heard, expected * 4, strict=True):
        assert list(prediction.scores.values()) == pytest.approx(scores, abs=1e-6)


def test_threads_are_a_number() -> None:
    assert load(threads=1).card == load().card
    with pytest.raises(UsageError, match="threads is -1"):
        load(threads=-1)


def test_a_recogniser_describes_itself(hearing: Recogniser) -> None:
    assert repr(hearing).startswith(f"Recogniser('{hearing.card.name}': ")
    assert "anger, disgust, fear, happiness, neutral, sadness, surprise" in repr(hearing)


@pytest.mark.filterwarnings("error")
def test_softmax_of_large_logits_is_finite() -> None:
    assert softmax(np.array([1e4, 0, -1e4])).tolist() == [1, 0, 0]


# --- Files that are no model ------------------------------------------------------------------------------------------


def refusal(path: Path | str, error: type[Exception] = ModelError) -> str:
    with pytest.raises(error) as caught:
        load(path)
    message = str(caught.value)
    assert type(caught.value) is error
    assert str(path) in message
    assert "\n" not in message
    assert message.endswith(".")
    return message


@pytest.mark.parametrize("content", [b"", b"Dear diary", bytes(1000), b"\x08\x07\x12\x04", b"PK\x03\x04" + bytes(100)])
def test_what_is_not_onnx_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.intone.onnx"
    path.write_bytes(content)
    refusal(path)


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.9, 0.999])
def test_a_model_file_that_was_cut_off_is_refused(tmp_path: Path, share: float) -> None:
    content = SHIPPED.read_bytes()
    path = tmp_path / "cut.intone.onnx"
    path.write_bytes(content[: int(len(content) * share)])
    refusal(path)


def network(width: int = 7, *, inputs: str = "features", output: str = "logits", value: float = 0.1) -> onnx.ModelProto:
    """Make a small network: 40 features in, ``width`` logits out."""
    graph = helper.make_graph(
        [helper.make_node("MatMul", [inputs, "weights"], [output])],
        "small",
        [helper.make_tensor_value_info(inputs, TensorProto.FLOAT, ["batch", 40])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", width])],
        [helper.make_tensor("weights", TensorProto.FLOAT, [40, width], np.full(40 * width, value, np.float32))],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


CARD: dict[str, Any] = {
    "name": "small", "labels": list(map(str, Emotion)), "input": "features",
    "feature_recipe": 'name = "m"\n[[measures]]\nfeature = "mfcc"\ncount = 40\nstatistics = ["mean"]\n',
    "corpora": {"tess": "CC BY-NC-ND 4.0"}, "speakers": ["tess-OAF"], "licence": "none", "recipe": "",
    "recipe_sha256": "", "temperature": 1.0, "threshold": 0.5, "calibrated_on": "", "rate": 16_000, "format": 1,
    "scores": [{"protocol": "p", "corpora": "c", "accuracy": 0.5, "ua": 0.5, "utterances": 9, "speakers": 2,
                "leaks_speakers": False}],
}  # fmt: skip


TEXTS = ("name", "licence", "recipe", "recipe_sha256", "calibrated_on")


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a model file with the card given, as an object or as raw text."""

    def write(card: Any, model: onnx.ModelProto | None = None) -> Path:
        model = model or network()
        text = card if isinstance(card, str) else json.dumps(card)
        helper.set_model_props(model, {modelfile.METADATA_KEY: text})
        path = tmp_path / "small.intone.onnx"
        onnx.save(model, str(path))
        return path

    return write


def test_the_small_model_hears(write: Callable[..., Path]) -> None:
    heard = load(write(CARD)).predict(np.sin(np.arange(16_000)))
    assert list(heard.scores.values()) == pytest.approx([1 / 7] * 7)
    assert heard.unsure


def test_a_foreign_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "foreign.onnx"
    onnx.save(network(), str(path))
    assert "without Intone's card" in refusal(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "3", '"card"', "{}", "[" * 100_000, "\x00"])
def test_a_card_that_is_none_is_refused(write: Callable[..., Path], text: str) -> None:
    refusal(write(text))


@pytest.mark.parametrize("key", CARD)
def test_a_card_that_lacks_a_field_is_refused(write: Callable[..., Path], key: str) -> None:
    assert key in refusal(write({name: value for name, value in CARD.items() if name != key}))


@pytest.mark.parametrize("wrong", [None, [1], {"a": 1}, "\x00", -1, 1e999, True])
@pytest.mark.parametrize("key", [key for key in CARD if key not in TEXTS])
def test_a_card_with_something_else_in_a_field_is_refused(write: Callable[..., Path], key: str, wrong: Any) -> None:
    if (key, wrong) == ("threshold", True):
        wrong = 1.5
    assert key.split("_", maxsplit=1)[0] in refusal(write({**CARD, key: wrong}))


@pytest.mark.parametrize(
    "wrong", ["x", 3, [3], [[1]], [[2, 1]], [[1, 1]], [[-1, 2]], [[True, 2]], [[0, 1.5]], [[0, 1, 2]]]
)
def test_numbers_of_a_voice_are_named_from_each_first_to_before_each_second(
    write: Callable[..., Path], wrong: Any
) -> None:
    assert "strange_numbers" in refusal(write({**CARD, "strange_numbers": wrong}))
    assert load(write({**CARD, "strange_numbers": [[0, 2], [4, 9]]})).card.strange_numbers == ((0, 2), (4, 9))
    assert load(write(CARD)).card.strange_numbers == ()  # cards from before it was told


@pytest.mark.parametrize("key", TEXTS)
def test_text_is_text(write: Callable[..., Path], key: str) -> None:
    assert f"{key} = '3'; it must be text" in refusal(write({**CARD, key: 3}))


@pytest.mark.parametrize("key", CARD["scores"][0])
def test_a_score_that_is_damaged_is_refused(write: Callable[..., Path], key: str) -> None:
    (score,) = CARD["scores"]
    refusal(write({**CARD, "scores": [{**score, key: [3]}]}))
    refusal(write({**CARD, "scores": [{name: value for name, value in score.items() if name != key}]}))
    refusal(write({**CARD, "scores": [3]}))


def test_what_a_later_version_adds_to_the_card_is_left_alone(write: Callable[..., Path]) -> None:
    assert load(write({**CARD, "colour": "blue"})).card.name == "small"


def test_a_future_format_is_refused(write: Callable[..., Path]) -> None:
    message = refusal(write({**CARD, "format": 2}))
    assert message.endswith("has format 2; this version of Intone reads 1.")


def test_other_labels_are_for_evaluation_only(write: Callable[..., Path]) -> None:
    labels = [*map(str, Emotion), "boredom"]
    message = refusal(write({**CARD, "labels": labels}, network(8)), UsageError)
    assert "made for evaluation and answers boredom too" in message


def test_labels_stand_once(write: Callable[..., Path]) -> None:
    assert "labels" in refusal(write({**CARD, "labels": ["anger"] * 7}))


def test_a_network_of_features_cannot_hear_waveforms(write: Callable[..., Path]) -> None:
    assert "do not fit" in refusal(write({**CARD, "input": "waveform"}))


def test_a_rate_that_is_not_ours_is_refused(write: Callable[..., Path]) -> None:
    assert "8000 Hz" in refusal(write({**CARD, "rate": 8_000}))


@pytest.mark.parametrize("recipe", ["", "3", "name = 3", 'name = "m"\n[[measures]]\nfeature = "mfc"\n'])
def test_a_feature_recipe_that_is_none_is_the_models_fault(write: Callable[..., Path], recipe: str) -> None:
    assert "feature recipe" in refusal(write({**CARD, "feature_recipe": recipe}))


@pytest.mark.parametrize(
    "model",
    [network(6), network(8), network(inputs="x"), network(output="y"), network(value=float("nan"))],
    ids=["too few labels", "too many", "another input", "another output", "not finite"],
)
def test_a_network_that_does_not_fit_its_card_is_refused(write: Callable[..., Path], model: onnx.ModelProto) -> None:
    refusal(write(CARD, model))


def test_a_recipe_that_does_not_fit_its_network_is_refused(write: Callable[..., Path]) -> None:
    recipe = CARD["feature_recipe"].replace("40", "13")
    assert "do not fit" in refusal(write({**CARD, "feature_recipe": recipe}))


# --- Names and folders ------------------------------------------------------------------------------------------------


def test_a_run_folder_holds_its_model(write: Callable[..., Path]) -> None:
    assert load(write(CARD).parent).card.name == "small"


def test_a_run_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    assert "holds no model file" in refusal(tmp_path)


def test_a_name_that_does_not_exist_is_answered_with_the_nearest() -> None:
    message = refusal("intone-clasic", UsageError)
    assert message.startswith("There is no model 'intone-clasic'. Did you mean 'intone-classic'?")


@pytest.mark.parametrize("name", ["", "none.onnx", "a" * 5000, "a\0b"])
def test_names_that_are_no_model(name: str) -> None:
    with pytest.raises((UsageError, ModelError)):
        load(name)


def test_a_keras_file_without_its_card_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    path.write_bytes(b"PK\x03\x04")
    assert "no card.json beside it" in refusal(path)


@pytest.mark.parametrize(
    ("prior", "emotion"),
    [({"neutral": 1.0}, "neutral"), ({"fear": 0.999}, "fear"), ({"surprise": 0.5, "disgust": 0.5}, None)],
)
def test_a_prior_tells_what_is_common(
    hearing: Recogniser, examples: Path, prior: dict[str, float], emotion: str | None
) -> None:
    plain = hearing.predict(examples / "kennedy.flac")
    heard = hearing.predict(examples / "kennedy.flac", prior=prior)
    assert sum(heard.scores.values()) == pytest.approx(1)
    for likelier in prior:
        assert heard.scores[Emotion(likelier)] > plain.scores[Emotion(likelier)]
    if emotion is not None:
        assert heard.emotion == emotion
    else:
        assert heard.scores[Emotion.SURPRISE] + heard.scores[Emotion.DISGUST] > 0.99


def test_the_prior_of_the_training_changes_nothing(write: Callable[..., Path]) -> None:
    shares = {
        "anger": 0.4,
        "disgust": 0.1,
        "fear": 0.1,
        "happiness": 0.1,
        "neutral": 0.2,
        "sadness": 0.05,
        "surprise": 0.05,
    }
    hearing = intone.load(write({**CARD, "prior": shares}))
    sound = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    plain = hearing.predict(sound, rate=16_000).scores
    assert hearing.predict(sound, rate=16_000, prior=shares).scores == pytest.approx(plain)
    assert hearing.predict(sound, rate=16_000, prior={"anger": 0.4}).scores == pytest.approx(plain)


@pytest.mark.parametrize(
    ("prior", "said"),
    [
        ({"angst": 0.5}, "anger"),
        ({"anger": 1.5}, "from 0 to 1"),
        ({"anger": float("nan")}, "from 0 to 1"),
        ({"anger": 0.8, "fear": 0.4}, "sum to 1.2"),
        (dict.fromkeys(Emotion, 0.1), "sum to 0.7"),
    ],
)
def test_what_is_no_prior_is_refused(hearing: Recogniser, examples: Path, prior: dict[str, float], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        hearing.predict(examples / "kennedy.flac", prior=prior)
