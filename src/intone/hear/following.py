"""Following one speaker: each utterance is heard beside what was heard of them before."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from intone.hear.audio import Sound
from intone.hear.baseline import Baseline
from intone.results import Prediction

if TYPE_CHECKING:
    from intone.hear.recogniser import Recogniser


class Following:
    """Hears one speaker, utterance after utterance; the baseline gathers by itself, and from the past alone.

    Made by :meth:`intone.Recogniser.follow`. What is no speech is answered, and not gathered.

    Attributes
    ----------
    baseline : Baseline or None
        What has been heard of the speaker so far; it may be kept, and gone on from.
    """

    def __init__(
        self, recogniser: "Recogniser", *, prior: Mapping[str, float] | None = None, baseline: Baseline | None = None
    ) -> None:
        self.baseline = baseline
        self._recogniser, self._prior = recogniser, prior

    def predict(self, sound: Sound, *, rate: int | None = None) -> Prediction:
        """Hear the speaker's next utterance; the arguments, and what is raised, are those of ``Recogniser.predict``."""
        prediction, more = self._recogniser.heard_beside(sound, rate=rate, prior=self._prior, baseline=self.baseline)
        if more is not None:
            self.baseline = more if self.baseline is None else self.baseline + more
        return prediction

    def predict_batch(self, sounds: Sequence[Sound]) -> list[Prediction]:
        """Hear the speaker's next utterances, in their order."""
        return [self.predict(sound) for sound in sounds]
