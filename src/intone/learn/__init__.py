"""The half that learns: corpora to features, networks, training, evaluation and model files."""

import os

# TensorFlow prints a page of start-up notes and looks for a GPU aloud; what goes wrong still comes as an exception.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
