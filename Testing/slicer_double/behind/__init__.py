"""The CTK and MRML widgets behind the proxies: small Python classes on PySide6 with the behaviour that panels rely on."""

from __future__ import annotations

from .buttons import ctkCheckBox, ctkCollapsibleButton, ctkCollapsibleGroupBox, ctkMenuButton, qMRMLCollapsibleButton
from .combo_boxes import ctkCheckableComboBox, ctkComboBox
from .messages import ctkFittedTextBrowser, ctkMessageBox, ctkSearchBox
from .node_combo_box import qMRMLCheckableNodeComboBox, qMRMLNodeComboBox
from .numbers import ctkDoubleSlider, ctkDoubleSpinBox, ctkSliderWidget, qMRMLSliderWidget, qMRMLSpinBox
from .paths import ctkDirectoryButton, ctkPathLineEdit
from .place_widget import qSlicerMarkupsPlaceWidget
from .plot_view import qMRMLPlotView
from .ranges import ctkDoubleRangeSlider, ctkRangeWidget, qMRMLRangeWidget
from .scene_widgets import qMRMLWidget, qSlicerWidget
from .table_view import qMRMLTableView

WIDGETS = {
    cls.__name__: cls
    for cls in (
        ctkCheckBox,
        ctkCheckableComboBox,
        ctkCollapsibleButton,
        ctkCollapsibleGroupBox,
        ctkComboBox,
        ctkDirectoryButton,
        ctkDoubleRangeSlider,
        ctkDoubleSlider,
        ctkDoubleSpinBox,
        ctkFittedTextBrowser,
        ctkMenuButton,
        ctkMessageBox,
        ctkPathLineEdit,
        ctkRangeWidget,
        ctkSearchBox,
        ctkSliderWidget,
        qMRMLCheckableNodeComboBox,
        qMRMLCollapsibleButton,
        qMRMLNodeComboBox,
        qMRMLPlotView,
        qMRMLRangeWidget,
        qMRMLSliderWidget,
        qMRMLSpinBox,
        qMRMLTableView,
        qMRMLWidget,
        qSlicerMarkupsPlaceWidget,
        qSlicerWidget,
    )
}
"""Name in Slicer -> class. A widget of Slicer that is not here raises NotImplementedError when it is asked for."""
