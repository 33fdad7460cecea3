"""How ``high-uptake-ct`` is trained (Nalepa et al., Detecting High-Uptake Lesions from CT Using Deep Learning)."""

from ..recipe import Recipe

RECIPE = Recipe(
    method="high-uptake-ct",
    settings="LesionTrainingLib.learning.high_uptake_ct.settings:RecipeSettings",
    train="LesionTrainingLib.learning.high_uptake_ct.recipe:train",
)
