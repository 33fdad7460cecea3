"""How ``pet-weak`` is trained (Amyar, Modzelewski, Vera, Morard & Ruan, Weakly Supervised PET Tumor Detection Using Class
Response)."""

from ..recipe import Recipe

RECIPE = Recipe(
    method="pet-weak",
    settings="LesionTrainingLib.learning.pet_weak.settings:RecipeSettings",
    train="LesionTrainingLib.learning.pet_weak.recipe:train",
)
