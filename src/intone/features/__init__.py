"""One catalogue of what can be measured in a voice: computed once for each frame, with NumPy alone."""

from intone.features.catalogue import CATALOGUE
from intone.features.extraction import Features, extract, extract_many
from intone.features.inputs import Given, Inputs, Sounds
from intone.features.recipes import RECIPES, FeatureRecipe, Measure, RecipeLike, recipe

__all__ = [
    "CATALOGUE",
    "RECIPES",
    "FeatureRecipe",
    "Features",
    "Given",
    "Inputs",
    "Measure",
    "RecipeLike",
    "Sounds",
    "extract",
    "extract_many",
    "recipe",
]
