"""Section 1: what to learn from. A DICOM database to pick series of, or any other kind of cohort by its path."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Callable
from typing import Any

import qt
from LesionDetectionLib.core.errors import LesionDetectionError
from LesionDetectionLib.panel import ask, dependencies
from LesionDetectionLib.panel.choices import chosen_in, fill
from LesionDetectionLib.panel.context import told
from LesionDetectionLib.panel.dicom_database import database
from LesionDetectionLib.panel.message_line import MessageLine
from slicer.i18n import tr as _

from ..cohorts.cohort import LeftOut
from ..cohorts.dicom.options import AUTO, TABLE
from ..session.catalogue import Catalogue, Chosen, LabelChoice, SeriesFilter, folder_of, patient_ids
from ..session.cohort_choice import CohortSummary, Source, is_long, sources, written
from ..session.data_texts import DATABASE, no_labels, sentence, short_case, source_title, summary_notes, summary_rows
from ..session.training_session import CHECK, LISTING
from .database_tree import DatabaseTree
from .places import runs_folder
from .source_form import SourceForm
from .training_context import TrainingContext

_COHORTS = ".cohorts"
"""Folder beside the runs: specifications that are too long for one line."""
_SETTLE_MS = 1500
"""After the database has changed: an import changes it many times."""
_MOST_PROBLEMS = 200


class DataPart:
    """Args:
    context: of the panel.
    on_change: called after another cohort was chosen or checked.
    """

    def __init__(self, context: TrainingContext, on_change: Callable[[], None]) -> None:
        self._context, self._on_change, ui = context, on_change, context.ui
        self._sources = {source.kind: source for source in sources()}
        self._listed_as: tuple[str, ...] = ()
        self._shown_as: tuple[Any, ...] = ()
        self._chosen_as: tuple[Any, ...] = ()
        self.message = MessageLine(ui.dataMessageRow, ui.dataMessageIcon, ui.dataMessage)
        self.tree = DatabaseTree(ui.databaseTree, self._on_series)
        self.form = SourceForm(ui, self._on_form)
        self._settle = qt.QTimer()
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        self._slots = (
            (ui.sourceComboBox, "currentIndexChanged(int)", self._on_source),
            (ui.modalityComboBox, "currentIndexChanged(int)", self._on_modality),
            (ui.labelsComboBox, "currentIndexChanged(int)", self._on_labels),
            (ui.lesionComboBox, "currentIndexChanged(int)", self._on_lesion),
            (ui.tableButton, "clicked(bool)", self._on_table),
            (ui.allButton, "clicked(bool)", self._on_all),
            (ui.noneButton, "clicked(bool)", self._on_none),
            (ui.refreshButton, "clicked(bool)", self._on_list_again),
            (ui.patientIdCheckBox, "toggled(bool)", self._on_patient_ids),
            (ui.checkButton, "clicked(bool)", self._on_check),
            (self._settle, "timeout()", self._on_list_again),
        )
        for widget, signal, slot in self._slots:
            widget.connect(signal, slot)
        ui.problemsTable.horizontalHeader().setSectionResizeMode(0, qt.QHeaderView.ResizeToContents)
        ui.problemsTable.verticalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        self._watched: Any = None
        self._watch_database()

    def close(self) -> None:
        self._settle.stop()
        if self._watched is not None:
            self._watched.disconnect("databaseChanged()", self._on_database)
        for widget, signal, slot in self._slots:
            widget.disconnect(signal, slot)
        self.tree.close()
        self.form.close()
        self.message.close()

    # -- the cohort ---------------------------------------------------------------------------------------------------

    @property
    def source(self) -> Source:
        """The chosen kind; the first where the choice is not known here."""
        return self._sources.get(self._context.parameters.source, self._sources[DATABASE])

    @property
    def labels(self) -> LabelChoice:
        """What counts as a lesion in the DICOM database."""
        chosen = self._context.parameters
        labels = f"{TABLE}{chosen.labelTable}" if chosen.labels == TABLE and chosen.labelTable else chosen.labels
        if labels == TABLE:
            labels = AUTO
        return LabelChoice(labels, chosen.segments, chosen.structures, one_lesion=chosen.oneLesion)

    def cohort(self) -> str:
        """The specification of what is chosen. Raises UsageError where nothing is; OutputError where it cannot be written."""
        if self.source.kind != DATABASE:
            return str(self.form.choice.spec())
        catalogue = self._context.session.catalogue or Catalogue(folder_of(database()))
        chosen = Chosen(catalogue, self.tree.checked, self.labels, self._context.method.modalities)
        spec = chosen.spec()
        if not is_long(spec):
            return str(spec)
        # A file that is never changed: a run that goes on another day reads it again.
        digest = hashlib.sha256(str(spec).encode()).hexdigest()[:12]
        return written(spec, runs_folder() / _COHORTS / digest)

    # -- showing ------------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show choices and what is known of them."""
        ui, chosen = self._context.ui, self._context.parameters
        fill(
            ui.sourceComboBox,
            [(kind, source_title(source)) for kind, source in self._sources.items()],
            self.source.kind,
        )
        from_database = self.source.kind == DATABASE
        ui.sourceText.setText("" if from_database else html.escape(sentence(self.source.title)))
        ui.sourceText.setVisible(not from_database)
        ui.databasePage.setVisible(from_database)
        ui.pathPage.setVisible(not from_database)
        if from_database:
            self._show_labels()
            self._show_tree()
        else:
            kind = self.source.kind
            options = {n.partition("/")[2]: v for n, v in chosen.options.items() if n.partition("/")[0] == kind}
            self.form.show(self.source, chosen.paths.get(kind, ""), options)
        self._forget_other_check()
        self._show_check()

    def enter(self) -> None:
        """The person sees the panel: list the database, if it was not yet."""
        if self.source.kind == DATABASE:
            self.list_database()

    def list_database(self, again: bool = False) -> None:
        """Have the database listed in the background, where that was not done for this folder and table."""
        self._watch_database()
        try:
            folder = folder_of(database())
        except LesionDetectionError as error:
            self._context.session.catalogue = None
            self._listed_as = ()
            self.tree.clear()
            self._context.ui.countsText.setText(str(error))
            return
        labels = self.labels
        wanted = (str(folder), labels.table)
        if again or wanted != self._listed_as:
            self._listed_as = wanted
            self._context.session.list_database(folder, labels)

    def _watch_database(self) -> None:
        """Hear of imports; as soon as there is a database."""
        if self._watched is None and (there := database()) is not None:
            self._watched = there
            there.connect("databaseChanged()", self._on_database)

    def show(self, change: str) -> None:
        """Something of the session has changed."""
        if change == LISTING:
            self._show_tree()
            self._show_check()
        elif change == CHECK:
            self._show_check()
            self._on_change()

    def _show_labels(self) -> None:
        ui, chosen = self._context.ui, self._context.parameters
        items = [
            (AUTO, _("SEG, or RTSTRUCT where there is none")),
            ("seg", _("DICOM SEG")),
            ("rtstruct", _("DICOM RTSTRUCT")),
            (TABLE, _("A table of points (CSV)")),
        ]
        fill(ui.labelsComboBox, items, chosen.labels)
        lesions = [
            ("usual", _("Each part of a segment; each structure")),
            ("part", _("Each connected part")),
            ("whole", _("Each segment or structure")),
        ]
        fill(ui.lesionComboBox, lesions, chosen.oneLesion)
        for widget in (ui.tableLabel, ui.tableRow):
            widget.setVisible(chosen.labels == TABLE)
        for widget in (ui.segmentsLabel, ui.segmentsEdit):
            widget.setVisible(chosen.labels in (AUTO, "seg"))
        for widget in (ui.structuresLabel, ui.structuresEdit):
            widget.setVisible(chosen.labels in (AUTO, "rtstruct"))

    def _show_tree(self) -> None:
        ui, chosen, session = self._context.ui, self._context.parameters, self._context.session
        if session.listing.busy:
            ui.countsText.setText(session.listing.text or _("Reading the DICOM database"))
            return
        if session.listing.error is not None:
            ui.countsText.setText(str(session.listing.error))
            return
        catalogue = session.catalogue
        if catalogue is None:
            return
        modalities = [("", _("All kinds")), *((m, f"{m} ({n})") for m, n in catalogue.modalities.items())]
        modality = fill(ui.modalityComboBox, modalities, chosen.modalityFilter)
        wanted = SeriesFilter(modality, chosen.descriptionFilter, chosen.labelledOnly)
        there = database()
        names = patient_ids(there) if ui.patientIdCheckBox.checked and there is not None else {}
        shown_as = (id(catalogue), wanted, tuple(sorted(names.items())))
        if shown_as != self._shown_as or set(chosen.series) != self.tree.checked:
            self._shown_as = shown_as
            self.tree.show(catalogue.shown(wanted), chosen.series, names)
        self._show_counts(catalogue)

    def _show_counts(self, catalogue: Catalogue) -> None:
        every, shown = catalogue.counts, len(self.tree.shown)
        picked = catalogue.selected(self.tree.checked)
        counts, modalities = picked.counts, self._context.method.modalities
        hidden = sum(series.uid not in self.tree.shown for series in picked.series)
        useless = sum(series.modality not in modalities for series in picked.series)
        if not every.series:
            texts = [_("The DICOM database has no images yet. Import scans in the DICOM module.")]
        elif not counts.series:
            texts = [_("{shown} of {every} series shown, {labelled} of all have labels. None is chosen.")]
        else:
            texts = [_("Chosen: {series} series of {of} patients, {with_labels} with labels.")]
            texts += [_("{hidden} of them are not shown.")] if hidden else []
            texts += [_("Not used, as no {modality}: {useless}.")] if useless else []
        self._context.ui.countsText.setText(
            " ".join(texts).format(
                shown=shown,
                every=every.series,
                labelled=every.labelled,
                series=counts.series,
                of=counts.patients,
                with_labels=counts.labelled,
                hidden=hidden,
                useless=useless,
                modality=_(" or ").join(modalities),
            )
        )

    def _show_check(self) -> None:
        ui, session = self._context.ui, self._context.session
        ui.checkButton.text = _("Stop checking") if session.checking.busy else _("Check the data")
        if session.checking.busy:
            text = session.checking.text or _("Reading")
            self.message.plain(
                _("{text} ({percent} %)").format(text=text, percent=round(100 * session.checking.fraction))
            )
        elif session.checking.error is not None:
            self.message.warn(str(session.checking.error))
        elif session.summary is not None and not session.summary.labelled:
            self.message.warn(no_labels())
        else:
            self.message.clear()
        ui.summaryText.setText("" if session.summary is None else _summary(session.summary))
        ui.summaryText.setVisible(session.summary is not None)
        self._show_problems()

    def _show_problems(self) -> None:
        """Of the checked cohort; before that, of the database."""
        session, table = self._context.session, self._context.ui.problemsTable
        problems: tuple[LeftOut, ...] = ()
        if session.summary is not None:
            problems = session.summary.problems
        elif self.source.kind == DATABASE and session.catalogue is not None:
            problems = session.catalogue.problems
        table.setVisible(bool(problems))
        shown = problems[:_MOST_PROBLEMS]
        table.rowCount = len(shown)
        for row, problem in enumerate(shown):
            case = qt.QTableWidgetItem(short_case(problem.case))
            case.setToolTip(problem.case)
            reason = qt.QTableWidgetItem(problem.reason)
            reason.setToolTip(f"<p>{html.escape(problem.reason)}</p>")
            table.setItem(row, 0, case)
            table.setItem(row, 1, reason)
        table.horizontalHeaderItem(1).setText(
            _("Problem ({count})").format(count=len(problems)) if problems else _("Problem")
        )

    def _forget_other_check(self) -> None:
        """What was found in one cohort says nothing of another."""
        chosen = self._context.parameters
        kind = self.source.kind
        if kind == DATABASE:
            now: tuple[Any, ...] = (kind, self.tree.checked, self.labels, chosen.method)
        else:
            now = (kind, self.form.path, tuple(sorted(self.form.options.items())))
        if now != self._chosen_as:
            self._chosen_as = now
            self._context.session.forget_check()

    # -- what the person does -----------------------------------------------------------------------------------------

    def _on_source(self, _index: int) -> None:
        self._context.parameters.source = chosen_in(self._context.ui.sourceComboBox)
        self.enter()

    def _on_modality(self, _index: int) -> None:
        self._context.parameters.modalityFilter = chosen_in(self._context.ui.modalityComboBox)

    def _on_labels(self, _index: int) -> None:
        self._context.parameters.labels = chosen_in(self._context.ui.labelsComboBox)
        self.list_database()

    def _on_lesion(self, _index: int) -> None:
        self._context.parameters.oneLesion = chosen_in(self._context.ui.lesionComboBox)

    def _on_table(self, _checked: bool = False) -> None:
        chosen = ask.choose_file(_("Table of lesions"), _("Tables (*.csv);;All (*)"))
        if chosen is not None:
            self._context.parameters.labelTable = str(chosen)
            self.list_database()

    def _on_series(self, checked: frozenset[str]) -> None:
        self._context.parameters.series = sorted(checked)

    def _on_all(self, _checked: bool = False) -> None:
        self._check_series(self.tree.checked | self.tree.shown)

    def _on_none(self, _checked: bool = False) -> None:
        self._check_series(frozenset())

    def _check_series(self, uids: frozenset[str]) -> None:
        self.tree.set_checked(uids)
        self._on_series(uids)

    def _on_list_again(self, _checked: bool = False) -> None:
        self.list_database(again=True)

    def _on_database(self) -> None:
        self._settle.start()

    def _on_patient_ids(self, _on: bool) -> None:
        self._show_tree()

    def _on_form(self) -> None:
        chosen, kind = self._context.parameters, self.source.kind
        others = {name: value for name, value in chosen.options.items() if name.partition("/")[0] != kind}
        chosen.options = {**others, **{f"{kind}/{name}": value for name, value in self.form.options.items()}}
        chosen.paths = {**chosen.paths, kind: self.form.path}

    def _on_check(self, _checked: bool = False) -> None:
        session = self._context.session
        if session.checking.busy:
            session.forget_check()
            self._show_check()
            return
        with told(self.message.warn):
            cohort = self.cohort()
            if self.source.kind not in (DATABASE, "dicom") or dependencies.ensure("dicom"):
                session.check(cohort)


def _summary(summary: CohortSummary) -> str:
    """Counts and sizes, as rich text."""
    lines = [
        f"<tr><td><b>{html.escape(name)}</b>&nbsp;&nbsp;</td><td>{html.escape(text)}</td></tr>"
        for name, text in summary_rows(summary)
    ]
    notes = "".join(f"<br>{html.escape(note)}" for note in summary_notes(summary))
    return f"<table>{''.join(lines)}</table>{notes}"
