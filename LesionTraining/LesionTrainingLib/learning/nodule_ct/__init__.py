"""How ``nodule-ct`` is trained (Dou et al., MICCAI 2017)."""

from ..recipe import Recipe

RECIPE = Recipe(
    method="nodule-ct",
    settings="LesionTrainingLib.learning.nodule_ct.settings:RecipeSettings",
    train="LesionTrainingLib.learning.nodule_ct.recipe:train",
)
