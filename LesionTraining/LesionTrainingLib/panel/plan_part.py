"""Section 2: which method learns, with which settings, and how it is measured."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

from LesionDetectionLib.panel import ask
from LesionDetectionLib.panel.choices import chosen_in, fill
from slicer.i18n import tr as _

from ..session.new_plan import check_new, folds_text, free_name, method_text
from ..session.plan import ALL_FOLDS, TrainingPlan
from ..session.presets import presets
from .places import runs_folder, set_runs_folder
from .training_context import TrainingContext


class PlanPart:
    """Args:
    context: of the panel.
    """

    def __init__(self, context: TrainingContext) -> None:
        self._context, ui = context, context.ui
        self._suggested = ""
        self._slots = (
            (ui.methodComboBox, "currentIndexChanged(int)", self._on_method),
            (ui.presetComboBox, "currentIndexChanged(int)", self._on_preset),
            (ui.foldComboBox, "currentIndexChanged(int)", self._on_fold),
            (ui.deviceComboBox, "currentIndexChanged(int)", self._on_device),
            (ui.settingsButton, "clicked(bool)", self._on_settings),
            (ui.runsFolderButton, "clicked(bool)", self._on_runs_folder),
        )
        for widget, signal, slot in self._slots:
            widget.connect(signal, slot)

    def close(self) -> None:
        for widget, signal, slot in self._slots:
            widget.disconnect(signal, slot)

    # -- the plan -----------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """As it is entered, or one that is free."""
        entered = str(self._context.parameters.name).strip()
        return entered or self._free_name()

    def _free_name(self) -> str:
        return free_name(self._context.method.id, self._context.shelf, runs_folder())

    def plan(self, cohort: str) -> TrainingPlan:
        """What is chosen, to be trained on this cohort. Raises UsageError where it makes no sense."""
        chosen = self._context.parameters
        plan = TrainingPlan(
            name=self.name,
            method=self._context.method.id,
            cohort=cohort,
            validation=chosen.validation.strip(),
            test=chosen.test.strip(),
            preset=chosen_in(self._context.ui.presetComboBox),
            settings_file=chosen.settingsFile.strip(),
            folds=chosen.folds,
            fold=int(chosen_in(self._context.ui.foldComboBox) or ALL_FOLDS),
            device=chosen_in(self._context.ui.deviceComboBox) or "auto",
            seed=chosen.seed,
            workers=chosen.workers,
        )
        check_new(plan, self._context.shelf)
        return plan

    # -- showing ------------------------------------------------------------------------------------------------------

    def look_again(self) -> None:
        """Models or runs may have come or gone."""
        self._suggested = ""

    def refresh(self) -> None:
        ui, chosen, info = self._context.ui, self._context.parameters, self._context.method
        titles = [(name, one.title) for name, one in self._context.trainable.items()]
        fill(ui.methodComboBox, titles, info.id)
        ui.methodText.setText(html.escape(method_text(info)))
        known = presets(info.id)
        preset = fill(ui.presetComboBox, [(one.name, one.title) for one in known.values()], chosen.preset)
        ui.presetText.setText(known[preset].about)
        if not self._suggested.startswith(info.id):
            self._suggested = self._free_name()
        ui.nameEdit.placeholderText = self._suggested
        self._show_folds()
        self.show_devices()
        ui.runsFolderText.setText(str(runs_folder()))
        ui.runsFolderText.toolTip = _("{folder}: checkpoints and prepared cases of all training runs.").format(
            folder=runs_folder()
        )

    def show_devices(self) -> None:
        """What is known of what there is to compute on."""
        devices = self._context.session.devices or {"auto": _("Automatic"), "cpu": _("CPU")}
        wanted = self._context.parameters.device
        if wanted not in devices:
            devices = {**devices, wanted: wanted}
        fill(self._context.ui.deviceComboBox, list(devices.items()), wanted)

    def enable(self, enabled: bool) -> None:
        """While a run goes on, its plan stays as it is."""
        self._context.ui.planSection.setEnabled(enabled)

    def _show_folds(self) -> None:
        ui, chosen = self._context.ui, self._context.parameters
        folds = int(chosen.folds)
        each = [(str(n), _("Only fold {n}").format(n=n + 1)) for n in range(folds)]
        fill(ui.foldComboBox, [(str(ALL_FOLDS), _("All in turn")), *each], str(chosen.fold))
        ui.foldComboBox.setVisible(folds > 1)
        ui.foldsText.setText(folds_text(folds))
        for widget in (ui.validationLabel, ui.validationEdit, ui.testLabel, ui.testEdit):
            widget.setEnabled(not folds)

    # -- what the person does -----------------------------------------------------------------------------------------

    def _on_method(self, _index: int) -> None:
        self._context.parameters.method = chosen_in(self._context.ui.methodComboBox)

    def _on_preset(self, _index: int) -> None:
        self._context.parameters.preset = chosen_in(self._context.ui.presetComboBox)

    def _on_fold(self, _index: int) -> None:
        self._context.parameters.fold = int(chosen_in(self._context.ui.foldComboBox) or ALL_FOLDS)

    def _on_device(self, _index: int) -> None:
        self._context.parameters.device = chosen_in(self._context.ui.deviceComboBox)

    def _on_settings(self, _checked: bool = False) -> None:
        chosen = ask.choose_file(_("Settings of the recipe"), _("Settings (*.yaml *.yml);;All (*)"))
        if chosen is not None:
            self._context.parameters.settingsFile = str(chosen)

    def _on_runs_folder(self, _checked: bool = False) -> None:
        chosen: Any = ask.choose_folder(_("Folder of training runs"), runs_folder())
        if chosen is not None:
            set_runs_folder(Path(chosen))
            self.refresh()
