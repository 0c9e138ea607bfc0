"""Hugging Face's Whisper beside ours: ``make test-reference`` compares them live, and this file makes the fixture.

It needs PyTorch and transformers, which nothing else here does, so that ``make test`` does not collect it. The fixture
``whisper-random/`` holds a tiny encoder with random weights and what Hugging Face's code makes of a sung sound with it;
``python -m tests.learn.whisper_reference`` makes it anew.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.sung import RATE, sung

FIXTURE = Path(__file__).with_name("whisper-random")
EXPECTED = FIXTURE / "expected.npz"
SECONDS = 2
"""Length that the tiny encoder pads to, where Whisper's is 30."""
TOLERANCE = 1e-3


def levelled(samples: Any, seconds: int) -> tuple[Any, Any]:
    """Give Hugging Face's log-mel ``(frames, 80)`` of a sound brought to our level first, and that sound, padded."""
    from transformers import WhisperFeatureExtractor

    from intone.learn.networks.whisper import LOUDEST

    extractor = WhisperFeatureExtractor(chunk_length=seconds)

    def heard(sound: Any) -> Any:
        return extractor(sound, sampling_rate=RATE, return_tensors="np").input_features[0]

    gain = 10 ** ((LOUDEST - (4 * heard(samples).max() - 4)) / 2)
    padded = np.pad(samples, (0, seconds * RATE - len(samples))).astype(np.float32)
    return heard(samples * gain).T, padded


def hidden_states(encoder: Any, frames: Any) -> list[Any]:
    """Give ``(steps, width)`` behind the convolutions and each layer, before the encoder's last normalisation."""
    import torch

    found: list[Any] = []
    encoder.layers[0].register_forward_pre_hook(lambda _, given: found.append(given[0][0].numpy()))
    for layer in encoder.layers:
        layer.register_forward_hook(
            lambda _, __, given: found.append((given[0] if isinstance(given, tuple) else given[None])[0].numpy())
        )
    with torch.no_grad():
        encoder.eval()(torch.tensor(frames.T[None]))
    return [state.reshape(state.shape[-2:]) for state in found]


@pytest.mark.parametrize("name", ["kennedy.flac", "plain.flac"])
def test_every_layer_agrees_with_hugging_face_on_real_speech(name: str, examples: Path) -> None:
    import keras
    import torch
    from transformers import WhisperConfig
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    from intone.hear import audio
    from intone.learn.networks import backbone
    from intone.learn.networks.encoder import encoder

    weights = backbone.read("openai/whisper-tiny.en")
    theirs = WhisperEncoder(WhisperConfig(
        d_model=weights.width, encoder_layers=weights.layers, encoder_attention_heads=weights.heads,
        encoder_ffn_dim=weights.feed_forward,
    ))  # fmt: skip
    # The positions stay those that Hugging Face computes: a file of half precision holds them rounded.
    kept = {name: torch.tensor(values) for name, values in weights.tensors.items() if "positions" not in name}
    assert theirs.load_state_dict(kept, strict=False).missing_keys == ["embed_positions.weight"]
    frames, padded = levelled(audio.load(examples / name).samples, 30)
    expected = [frames, *hidden_states(theirs, frames)]
    network = encoder(labels=7, backbone=weights, layers=weights.layers)
    names = ["log_mel", "convolutions", *(f"layer_{number + 1}" for number in range(weights.layers))]
    ours = keras.Model(network.input, [network.get_layer(name).output for name in names])
    given = {"waveform": padded[np.newaxis], "lengths": np.array([len(padded)])}
    stages = [keras.ops.convert_to_numpy(found)[0] for found in ours(given)]
    # Some values behind the last layer are in the hundreds; Hugging Face gives that one normalised.
    stages[-1], expected[-1] = (
        theirs.layer_norm(torch.tensor(state)).detach().numpy() for state in (stages[-1], expected[-1])
    )
    for stage, found, right in zip(names, stages, expected, strict=True):
        apart = float(np.abs(found - right).max())
        print(f"{name}, {stage}: values up to {np.abs(right).max():.1f} differ by {apart:.1e}")
        assert apart <= TOLERANCE, stage


def make() -> None:
    """Write the fixture."""
    import torch
    from safetensors.torch import save_file
    from transformers import WhisperConfig
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    torch.manual_seed(3)
    config = WhisperConfig(
        d_model=16, encoder_layers=3, encoder_attention_heads=2, encoder_ffn_dim=24,
        max_source_positions=50 * SECONDS, decoder_layers=1, decoder_attention_heads=2, decoder_ffn_dim=4, vocab_size=8,
        pad_token_id=0, bos_token_id=0, eos_token_id=0, decoder_start_token_id=0,
    )  # fmt: skip
    encoder = WhisperEncoder(config)
    for name, weight in encoder.named_parameters():
        if "embed_positions" not in name:
            # Far from zero and one, so that a weight in the wrong place is seen.
            torch.nn.init.normal_(weight, mean=0.5 * ("norm.weight" in name), std=0.25)
    tensors = {f"model.encoder.{name}": value.half().contiguous() for name, value in encoder.state_dict().items()}
    encoder.load_state_dict({name.removeprefix("model.encoder."): value.float() for name, value in tensors.items()})
    samples = np.concatenate([0.3 * sung(1, 0, 0), sung(5, 1, 2), 0.1 * sung(3, 0, 4)])
    samples = np.round(samples[:17_037] * 32_767).astype(np.int16)
    frames, _ = levelled(samples.astype(np.float32) / 32_768, SECONDS)
    states = hidden_states(encoder, frames)
    FIXTURE.mkdir(exist_ok=True)
    save_file(tensors, FIXTURE / "model.safetensors")
    config.to_json_file(FIXTURE / "config.json", use_diff=True)
    np.savez_compressed(EXPECTED, samples=samples, log_mel=frames, states=np.stack(states))


if __name__ == "__main__":
    make()
