"""The double of Slicer is strict: mistakes that a running Slicer 5.8.1 punishes, or hides, fail here."""

from __future__ import annotations

import gc

import pytest


@pytest.fixture
def qt(slicer_app):
    import qt

    return qt


@pytest.fixture
def button(qt):
    return qt.QPushButton("Detect")


# --- names ---


def test_properties_are_read_and_written_without_parentheses(button):
    assert button.text == "Detect"
    button.text = "Cancel"
    assert button.text == "Cancel"
    assert button.size.width() == button.width


def test_calling_a_property_raises(button):
    with pytest.raises(TypeError):
        button.text()


def test_unknown_names_raise(qt, button):
    import ctk
    import slicer

    for owner, name in ((button, "caption"), (qt, "QPushBotton"), (ctk, "ctkSlider"), (slicer, "qMRMLNodeSelector")):
        with pytest.raises(AttributeError, match=name):
            getattr(owner, name)


def test_control_is_spelled_in_a_key_sequence_only(qt):
    with pytest.raises(AttributeError):
        _ = qt.Qt.CTRL
    assert qt.QKeySequence("Ctrl+Right").toString() == "Ctrl+Right"


@pytest.mark.parametrize("name", ["colour", "width", "clicked"])
def test_unknown_and_read_only_names_cannot_be_set(button, name):
    with pytest.raises(AttributeError):
        setattr(button, name, 1)


def test_what_slicer_has_and_the_double_does_not_imitate_says_so(slicer_app):
    import ctk
    import slicer

    with pytest.raises(NotImplementedError, match="ctkColorPickerButton"):
        _ = ctk.ctkColorPickerButton
    with pytest.raises(NotImplementedError, match="volumerendering"):
        _ = slicer.modules.volumerendering
    with pytest.raises(NotImplementedError, match="launchDesigner"):
        slicer.app.launchDesigner()


def test_a_wrong_number_of_arguments_raises(qt, button):
    with pytest.raises(ValueError, match="setText"):
        button.setText()
    with pytest.raises(ValueError, match="QTableWidget"):
        qt.QTableWidget(1, 2, None, None)


def test_the_name_of_an_object_has_a_short_word(button):
    button.name = "detectButton"
    assert button.objectName == button.name == "detectButton"


# --- types ---


def test_enums_are_integers_on_class_and_object(qt, button):
    assert qt.QMessageBox.Ok | qt.QMessageBox.Cancel == 4195328
    assert type(button.sizePolicy.horizontalPolicy()) is int
    button.setSizePolicy(qt.QSizePolicy.Expanding, qt.QSizePolicy.Fixed)
    assert button.sizePolicy.horizontalPolicy() == qt.QSizePolicy.Expanding
    assert button.focusPolicy == qt.Qt.StrongFocus


def test_classes_do_not_derive_from_each_other(qt, button):
    assert not isinstance(button, qt.QWidget)
    assert type(button) == qt.QPushButton  # noqa: E721 (the way that works in Slicer)
    assert button.inherits("QWidget")
    assert button.className() == "QPushButton"


def test_lists_come_as_tuples(qt):
    widget = qt.QWidget()
    layout = qt.QVBoxLayout(widget)
    assert isinstance(widget.children(), tuple)
    assert widget.children()[0] is layout


def test_a_signal_blocker_is_no_context_manager(qt, button):
    with pytest.raises((AttributeError, TypeError)), qt.QSignalBlocker(button):
        pass


def test_an_icon_that_is_not_there_is_not_null(qt):
    icon = qt.QIcon(":/nosuch.png")
    assert icon.pixmap(16, 16).isNull()


# --- signals ---


def test_both_ways_to_connect(button):
    got = []
    button.clicked.connect(lambda checked=None: got.append(checked))
    button.clicked.connect(lambda: got.append("nothing"))
    button.connect("clicked(bool)", got.append)
    button.connect("clicked()", lambda *passed: got.append(passed))
    button.click()
    assert got == [False, "nothing", False, ()]


def test_a_wrong_signature_raises_though_slicer_only_prints(button):
    for signature in ("clicked", "clicked(int)", "pushed()"):
        with pytest.raises(ValueError, match="clicked"):
            button.connect(signature, print)


def test_bound_methods_can_be_disconnected(button):
    class Panel:
        count = 0

        def press(self):
            self.count += 1

    panel = Panel()
    button.connect("clicked()", panel.press)
    button.click()
    assert button.disconnect("clicked()", panel.press)
    assert not button.disconnect("clicked()", panel.press)
    button.click()
    assert panel.count == 1


def test_the_dot_takes_one_of_several_forms(qt):
    box = qt.QComboBox()
    box.addItems(["a", "b"])
    got = []
    box.currentIndexChanged.connect(lambda value: got.append(value))
    box.connect("currentIndexChanged(QString)", got.append)
    box.setCurrentIndex(1)
    assert got == [1, "b"]


def test_a_signal_reaches_a_slot_by_name(qt, button):
    label = qt.QLabel()
    edit = qt.QLineEdit()
    edit.connect("textChanged(QString)", label, "setText(QString)")
    edit.text = "liver"
    assert label.text == "liver"
    with pytest.raises(ValueError, match="no slot"):
        edit.connect("textChanged(QString)", label, "setTitle(QString)")


def test_exceptions_in_slots_are_printed_by_slicer_and_fail_the_test_here(slicer_app, button):
    button.clicked.connect(lambda: 1 / 0)
    button.click()
    (problem,) = slicer_app.problems.take()
    assert "ZeroDivisionError" in problem


def test_exceptions_in_observers_are_not_lost_either(slicer_app):
    node = slicer_app.scene.AddNewNodeByClass("vtkMRMLTextNode")
    node.AddObserver("ModifiedEvent", lambda *_: {}["nothing"])
    node.Modified()
    assert "KeyError" in slicer_app.problems.take()[0]


def test_warnings_of_qt_are_mistakes(slicer_app, qt):
    widget = qt.QWidget()
    qt.QVBoxLayout(widget)
    qt.QVBoxLayout(widget)
    assert "already has a layout" in slicer_app.problems.take()[0]


# --- subclasses ---


def test_a_subclass_has_attributes_events_and_signals_of_its_own(slicer_app, qt):
    class Panel(qt.QWidget):
        resized = qt.Signal(int)

        def __init__(self):
            qt.QWidget.__init__(self)
            self.widths = []

        def resizeEvent(self, event):
            self.widths.append(event.size().width())
            self.resized.emit(event.size().width())
            qt.QWidget.resizeEvent(self, event)

    panel = Panel()
    got = []
    panel.resized.connect(got.append)
    panel.resize(320, 200)
    panel.show()
    slicer_app.process_events()
    assert panel.widths[-1] == got[-1] == 320
    with pytest.raises(AttributeError):
        panel.width = 3


def test_a_subclass_lives_on_in_its_layout(slicer_app, qt):
    class Row(qt.QLabel):
        def __init__(self):
            qt.QLabel.__init__(self)
            self.lesion = 7

    box = qt.QWidget()
    qt.QVBoxLayout(box).addWidget(Row())
    gc.collect()
    assert box.layout().itemAt(0).widget().lesion == 7
