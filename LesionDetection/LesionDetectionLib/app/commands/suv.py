"""``lesion suv``: how SUV follows from a PET's header, or why not; or the SUV of a cohort's lesions."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from LesionDetectionLib.app.commands.cohort_detection import is_cohort, training_part
from LesionDetectionLib.app.commands.options import add_command, add_json_option, add_quiet_option, add_scan_options
from LesionDetectionLib.app.console import shown_progress
from LesionDetectionLib.core.errors import InputError, ModalityError, UsageError
from LesionDetectionLib.core.image import PET, SUV_BSA, SUV_BW, SUV_LBM, Image
from LesionDetectionLib.core.progress import Progress

_DESCRIPTION = (
    "Of a PET in DICOM: units, what SUV was computed from, and the factors; or the reason why there is none. No names and no "
    "dates are shown, only durations. Of a cohort whose lesions have outlines: highest and mean SUV of each."
)
_EXAMPLES = """examples:
  a PET             lesion suv PET_FOLDER
  outlines in it    lesion suv "dicom:FOLDER?modality=PT&structures=GTV_Mass"
"""
_TYPES = {SUV_LBM: "by lean body mass (SUL, Janmahasatian)", SUV_BSA: "by body surface area, cm2/ml"}
_CORRECTED = {
    "START": "corrected to the scan's start",
    "ADMIN": "corrected to the injection",
    "NONE": "not corrected",
}
_COLUMNS = ("volume_mm3", "max_suvbw", "mean_suvbw", "max_sulbm", "mean_sulbm", "max_suvbsa")


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands,
        "suv",
        "how SUV follows from a PET's header",
        "SCAN",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    parser.add_argument(
        "scan", metavar="SCAN", help="a PET in DICOM: folder or file; or a cohort, as “dicom:FOLDER?modality=PT”"
    )
    add_scan_options(parser)
    add_json_option(parser)
    add_quiet_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    if is_cohort([options.scan]):
        _of_cohort(options)
        return
    with shown_progress(options.quiet) as progress:
        account = suv_account(Path(options.scan), options.series, progress)
    if options.json:
        print(json.dumps(account, indent=1, ensure_ascii=False, allow_nan=False))
        return
    for title, text in _lines(account):
        print(f"{title:<15}{text}")


def suv_account(scan: Path, series: str | None, progress: Progress) -> dict[str, Any]:
    """What was found in the header, and what follows; plain values, None where something is not known.

    Raises:
        InputError: there is no such scan, it cannot be read, or is no DICOM.
        ModalityError: it is no PET.
    """
    from LesionDetectionLib.imaging.suv import other_types, pet_scale
    from LesionDetectionLib.io.dicom import read_stack
    from LesionDetectionLib.io.dicom_headers import may_be_dicom
    from LesionDetectionLib.io.dicom_pet import read_pet_header
    from LesionDetectionLib.io.dicom_series import choose, find_stacks

    if not scan.exists():
        raise InputError(f"There is no file or folder {scan}. Check the path.")
    if scan.is_file() and not may_be_dicom(scan):
        raise InputError(
            f"{scan} is no DICOM, so it has no header that SUV follows from. Name the folder of the PET series."
        )
    stacks, skipped = find_stacks(scan, progress.part(0.0, 0.4))
    of_pet = [stack for stack in stacks if stack.info.modality == PET]
    stack = of_pet[0] if series is None and len(of_pet) == 1 else choose(stacks, skipped, series, scan)
    if stack.planes[0].modality != PET:
        raise ModalityError(f"{scan} is of modality {stack.planes[0].modality}, not PET: there is no SUV.")
    image = read_stack(stack, skipped, progress.part(0.4, 1.0))
    try:
        header = read_pet_header(stack.planes)
    except Exception as error:  # a bit flipped in the header: pydicom raises errors of every kind
        raise InputError(f"The header of a file of {scan} is damaged ({type(error).__name__}).") from error
    is_suv = image.unit == SUV_BW
    return {
        "units": header.units,
        "suv_type": header.suv_type,
        "decay_correction": header.decay_correction,
        "corrections": list(header.corrections),
        "weight_kg": header.weight_kg,
        "height_m": header.height_m,
        "sex": header.sex,
        "dose_bq": header.dose_bq,
        "half_life_s": header.half_life_s,
        **_decay(header),
        "unit": image.unit,
        "factor": pet_scale(header).factor if is_suv else None,
        "suv_factors": image.suv_factors,
        "not_known": list(other_types(header)[1]) if is_suv else [],
        "highest": float(image.voxels.max()),
        "notes": list(image.notes),
    }


def _decay(header: Any) -> dict[str, Any]:
    from LesionDetectionLib.imaging.pet_decay import decay_of, decayed_dose

    nothing = {"decay_s": None, "decay_reference": "", "dose_left_bq": None}
    if header.units not in ("BQML", "CNTS"):
        return nothing  # values in SUV: the scanner did it
    try:
        decay = decay_of(header)
    except ModalityError:
        return nothing
    left = header.dose_bq
    if left is not None and decay.seconds:
        left = decayed_dose(left, decay.seconds, header.half_life_s)
    return {"decay_s": decay.seconds, "decay_reference": decay.reference, "dose_left_bq": left}


def _lines(account: dict[str, Any]) -> list[tuple[str, str]]:
    lines = [
        ("Units", f"{account['units'] or 'not given'}{', type ' * bool(account['suv_type'])}{account['suv_type']}"),
        (
            "Patient",
            ", ".join(
                (_said(account["weight_kg"], "kg"), _said(account["height_m"], "m"), account["sex"] or "sex not given")
            ),
        ),
    ]
    if account["decay_s"] is not None or account["units"] in ("BQML", "CNTS"):
        dose, half_life = account["dose_bq"], account["half_life_s"]
        lines += [
            ("Injected", _said(dose and dose / 1e6, "MBq")),
            ("Half-life", _said(half_life and half_life / 60, "min")),
            ("Decay", f"{_CORRECTED.get(account['decay_correction'], 'not said to be corrected')}{_span(account)}"),
        ]
    if account["factor"] is not None:
        lines.append(("Factor", f"SUV by body weight (g/ml) = value x {account['factor']:.6g}"))
        lines += [("", f"SUV {_TYPES[kind]} = that x {factor:.4f}") for kind, factor in account["suv_factors"].items()]
        lines += [("", text) for text in account["not_known"]]
        lines.append(("Highest", f"SUV {account['highest']:.2f} by body weight"))
    else:
        lines.append(("Factor", f"none; the values are in {account['unit'] or 'an unknown unit'}"))
    return [*lines, *(("Note", note) for note in account["notes"])]


def _span(account: dict[str, Any]) -> str:
    if not account["decay_s"]:
        return ""
    left = account["dose_left_bq"]
    told = "" if left is None else f": {left / 1e6:.2f} MBq left"
    return f", {account['decay_s'] / 60:.2f} min from the injection to {account['decay_reference']}{told}"


def _said(value: float | None, unit: str) -> str:
    return f"{value:.6g} {unit}" if value is not None else f"{unit} not given"


def _of_cohort(options: argparse.Namespace) -> None:
    """Raises InputError where no case can be measured."""
    if options.series:
        raise UsageError("--series is for a folder of DICOM. A cohort says itself which series it means.")
    with shown_progress(options.quiet) as progress:
        cohort = training_part("cohorts.spec").open_cohort(options.scan, progress.part(0.0, 0.1))
        done, failed = training_part("cohorts.cohort").work_on(cohort.cases, _lesions, progress.part(0.1, 1.0))
    rows = [
        {"case": case.id, "lesion": number, **values} for case, found in done for number, values in enumerate(found, 1)
    ]
    left_out = [{"case": entry.case, "reason": entry.reason} for entry in failed]
    if options.json:
        print(json.dumps({"lesions": rows, "left_out": left_out}, indent=1, ensure_ascii=False, allow_nan=False))
    else:
        print("\t".join(("case", "lesion", *_COLUMNS)))
        for row in rows:
            print(
                "\t".join(
                    (row["case"], str(row["lesion"]), *(f"{row[name]:.4f}" if name in row else "" for name in _COLUMNS))
                )
            )
        for entry in left_out:
            print(f"Cannot be used: {entry['case']}: {entry['reason']}")
    if left_out:
        raise InputError(f"{len(left_out)} of {len(cohort.cases)} cases cannot be used; they are listed above.")


def _lesions(case: Any) -> list[dict[str, float]]:
    """Raises ModalityError: the outlines do not lie on a PET in SUV; InputError: there are none."""
    from LesionDetectionLib.imaging.measurements import measure_mask

    image: Image = case.images()[case.modalities[0]]
    if image.modality != PET:
        raise ModalityError("Its outlines do not lie on a PET. Let the PET be the main image (modality=PT).")
    if image.unit != SUV_BW:
        raise ModalityError(" ".join(image.notes) or "The PET is not in SUV.")
    masks = [lesion.mask for lesion in case.truth().lesions]
    if not any(mask is not None for mask in masks):
        raise InputError("It has no lesions with outlines.")
    measured = [measure_mask(image, mask).values for mask in masks if mask is not None]
    return [{name: values[name] for name in _COLUMNS if name in values} for values in measured]
