"""The half that learns: corpora to features, networks, training, evaluation and model files."""
