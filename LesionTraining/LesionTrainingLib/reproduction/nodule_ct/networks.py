"""The five networks of Table 2, each by what it takes away from the full recipe."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ...learning.nodule_ct.settings import RecipeSettings
from ...learning.sampling.filtering import FilterSettings

FCN, FCN_OSF = "FCN", "FCN+OSF"
DEEPNET, RESNET, RESNET_HL = "DeepNet", "ResNet", "ResNet+HL"
"""The paper's names."""
SCREENING, REDUCTION = (FCN, FCN_OSF), (DEEPNET, RESNET, RESNET_HL)


@dataclass(frozen=True)
class Variant:
    """One network of one fold.

    Attributes:
        name: the paper's.
        folder: under the fold's, of its fit; the same name holds what it found.
        screening: whether it is a first stage; the second ones all look at the candidates of FCN+OSF.
    """

    name: str
    folder: str
    screening: bool

    def changes(self, recipe: RecipeSettings) -> dict[str, Any]:
        """What of the recipe's settings is another one."""
        if self.name == FCN:
            return {"filtering": FilterSettings(hard_share=1.0)}
        if self.name == RESNET:
            return {"reduction": replace(recipe.reduction, regression=False)}
        if self.name == DEEPNET:
            return {"reduction": replace(recipe.reduction, regression=False, skips=False)}
        return {}


VARIANTS = {
    name: Variant(name, folder, name in SCREENING)
    for name, folder in (
        (FCN_OSF, "fcn-osf"),
        (FCN, "fcn"),
        (RESNET_HL, "resnet-hl"),
        (RESNET, "resnet"),
        (DEEPNET, "deepnet"),
    )
}
"""By name, in the order of the work: those that others need come first."""

FOR_TABLE_1 = (FCN_OSF, RESNET_HL)
FOR_TABLE_2 = tuple(VARIANTS)
