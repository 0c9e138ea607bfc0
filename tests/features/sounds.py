"""Sounds that the tests of features share, and how figures are compared."""

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
Samples = NDArray[np.float32]


def speechlike(seconds: float = 1.5, *, pitch: float = 120.0) -> Samples:
    """Synthesise a rising harmonic tone in faint noise, with a pause in the middle."""
    rng = np.random.default_rng(5)
    time = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * (pitch * time + 30 * time**2)
    voice = np.sum([np.sin(k * phase) / k for k in range(1, 30)], axis=0)
    sound = 0.1 * voice * (np.abs(time - seconds / 2) > 0.15) + 0.001 * rng.standard_normal(len(time))
    return np.asarray(sound, dtype=np.float32)


def vowel(pitch: float, formants: tuple[float, ...], *, seconds: float = 1.0) -> Samples:
    """Synthesise a vowel: pulses through resonances of the given frequencies, each 80 Hz wide."""
    sound = np.zeros(int(seconds * RATE))
    sound[(np.arange(0, seconds, 1 / pitch) * RATE).astype(int)] = 1.0
    for hertz in formants:
        radius, angle = np.exp(-np.pi * 80 / RATE), 2 * np.pi * hertz / RATE
        feedback = (2 * radius * np.cos(angle), -(radius**2))
        for i in range(2, len(sound)):
            sound[i] += feedback[0] * sound[i - 1] + feedback[1] * sound[i - 2]
    return np.asarray(0.3 * sound / np.abs(sound).max(), dtype=np.float32)


def awkward_sounds() -> dict[str, Samples]:
    """Give sounds that trip careless formulas."""
    rng = np.random.default_rng(7)
    time = np.arange(RATE) / RATE
    click = np.zeros(RATE)
    click[RATE // 2] = 1.0
    nearly_silent = np.zeros(RATE)
    nearly_silent[-1] = 1e-12
    sounds = {
        "near silence": nearly_silent,
        "tone": 0.5 * np.sin(2 * np.pi * 440 * time),
        "noise": 0.1 * rng.standard_normal(RATE),
        "click": click,
        "clipping": np.clip(20 * speechlike(1.0), -1, 1),
        "tenth of a second": speechlike(1.5)[4000:5600],
        "constant": np.full(RATE, 0.25),
        "alternating": np.tile([0.5, -0.5], RATE // 2),
        "loud": 100 * speechlike(1.0),
    }
    return {name: np.asarray(sound, dtype=np.float32) for name, sound in sounds.items()}


def assert_close(ours: NDArray[np.floating], theirs: NDArray[np.floating], tolerance: float = 1e-4) -> None:
    """Compare each column at a tolerance relative to the value, or to the column's root mean square if greater."""
    scale = np.maximum(np.abs(theirs), np.sqrt(np.mean(np.square(theirs), axis=0)))
    difference = np.abs(np.asarray(ours, dtype=np.float64) - theirs)
    assert ours.shape == theirs.shape
    assert (difference <= tolerance * scale).all(), f"off by {(difference / np.maximum(scale, 1e-30)).max():.2e}"
