"""How ``universal-ct`` is trained (Zlocha, Dou & Glocker, Improving RetinaNet for CT Lesion Detection, MICCAI 2019)."""

from ..recipe import Recipe

RECIPE = Recipe(
    method="universal-ct",
    settings="LesionTrainingLib.learning.universal_ct.settings:RecipeSettings",
    train="LesionTrainingLib.learning.universal_ct.recipe:train",
)
