"""One catalogue of what can be measured in a voice: computed once for each frame, with NumPy alone."""

from intone.features.extraction import Features, extract
from intone.features.inputs import Inputs
from intone.features.recipes import RECIPES, FeatureRecipe, Measure, recipe

__all__ = ["RECIPES", "FeatureRecipe", "Features", "Inputs", "Measure", "extract", "recipe"]
