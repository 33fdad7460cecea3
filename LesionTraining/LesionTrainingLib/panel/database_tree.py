"""The DICOM database as a tree with checks: patients, studies, series."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import qt
from LesionDetectionLib.panel.context import quietly
from slicer.i18n import tr as _

from ..cohorts.dicom.catalogue import PatientEntry, SeriesEntry, StudyEntry
from ..session.catalogue import Catalogue

NAME, KIND, IMAGES, LABELS = range(4)
"""Columns."""
_FEW_PATIENTS = 12
"""So many or fewer are shown opened."""
_SPARE = qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable | qt.Qt.ItemIsUserCheckable


class DatabaseTree:
    """Shows a catalogue, of which series can be checked.

    Args:
        widget: a QTreeWidget with four columns.
        on_check: called with the checked series, hidden ones among them, after the person changed them.
    """

    def __init__(self, widget: Any, on_check: Callable[[frozenset[str]], None]) -> None:
        self._widget, self._on_check = widget, on_check
        self._items: dict[str, Any] = {}
        self._checked: set[str] = set()
        header = widget.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(NAME, qt.QHeaderView.Stretch)
        for column in (KIND, IMAGES, LABELS):
            header.setSectionResizeMode(column, qt.QHeaderView.ResizeToContents)
        widget.connect("itemChanged(QTreeWidgetItem*,int)", self._on_item)

    def close(self) -> None:
        self._widget.disconnect("itemChanged(QTreeWidgetItem*,int)", self._on_item)
        self.clear()

    def clear(self) -> None:
        with quietly(self._widget):
            self._widget.clear()
        self._items.clear()

    @property
    def shown(self) -> frozenset[str]:
        """UIDs of the series that are in the tree."""
        return frozenset(self._items)

    @property
    def checked(self) -> frozenset[str]:
        """UIDs of the checked series, hidden ones among them."""
        return frozenset(self._checked)

    def show(self, catalogue: Catalogue, checked: Collection[str], names: Mapping[str, str]) -> None:
        """Fill the tree.

        Args:
            catalogue: what is shown, filtered.
            checked: UIDs of checked series; those that are not shown stay checked.
            names: key of a patient -> what is shown in its place.
        """
        self.clear()
        self._checked = set(checked)
        opened = len(catalogue.patients) <= _FEW_PATIENTS
        with quietly(self._widget):
            for patient in catalogue.patients:
                self._add_patient(patient, names.get(patient.key, patient.key), opened)

    def set_checked(self, uids: Collection[str]) -> None:
        """Check these series and no others."""
        self._checked = set(uids)
        with quietly(self._widget):
            for uid, item in self._items.items():
                item.setCheckState(NAME, _state(uid in self._checked))

    def _add_patient(self, patient: PatientEntry, name: str, opened: bool) -> None:
        item = qt.QTreeWidgetItem(self._widget)
        item.setText(NAME, name)
        item.setFlags(_SPARE | qt.Qt.ItemIsAutoTristate)
        for study in patient.studies:
            self._add_study(item, study)
        item.setExpanded(opened)

    def _add_study(self, parent: Any, study: StudyEntry) -> None:
        item = qt.QTreeWidgetItem(parent)
        item.setText(NAME, "  ".join(filter(None, (_date(study.date), study.description))) or _("Study without a date"))
        item.setFlags(_SPARE | qt.Qt.ItemIsAutoTristate)
        for series in study.series:
            self._add_series(item, series)
        item.setExpanded(True)

    def _add_series(self, parent: Any, series: SeriesEntry) -> None:
        item = qt.QTreeWidgetItem(parent)
        item.setText(NAME, series.description or _("(no description)"))
        item.setText(KIND, series.modality)
        item.setText(IMAGES, str(series.files))
        item.setTextAlignment(IMAGES, qt.Qt.AlignRight | qt.Qt.AlignVCenter)
        item.setText(LABELS, ", ".join(series.labels) or "–")
        item.setToolTip(NAME, _("Series {uid}").format(uid=series.uid))
        item.setData(NAME, qt.Qt.UserRole, series.uid)
        item.setFlags(_SPARE)
        item.setCheckState(NAME, _state(series.uid in self._checked))
        self._items[series.uid] = item

    def _on_item(self, item: Any, column: int) -> None:
        """Of a check on a patient or study Qt tells for each series; what is told of them themselves counts for nothing."""
        uid = item.data(NAME, qt.Qt.UserRole)
        if column != NAME or not uid:
            return
        is_checked = item.checkState(NAME) == qt.Qt.Checked
        if is_checked == (uid in self._checked):
            return
        (self._checked.add if is_checked else self._checked.discard)(uid)
        self._on_check(self.checked)

    def series_items(self) -> Iterator[tuple[str, Any]]:
        """(UID, item) of all series in the tree."""
        yield from self._items.items()


def _state(checked: bool) -> Any:
    return qt.Qt.Checked if checked else qt.Qt.Unchecked


def _date(text: str) -> str:
    """19941122 -> 1994-11-22"""
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if len(text) == 8 else text
