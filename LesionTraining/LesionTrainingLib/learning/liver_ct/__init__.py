"""How ``liver-ct`` is trained (Aluko, Hari & Yakubenko, Liver Lesion Localization using Deep CNNs, Stanford 2018)."""

from ..recipe import Recipe

RECIPE = Recipe(
    method="liver-ct",
    settings="LesionTrainingLib.learning.liver_ct.settings:RecipeSettings",
    train="LesionTrainingLib.learning.liver_ct.recipe:train",
)
