"""Plain, slow matchers, straight from each protocol's rules, one pair at a time: what the fast ones are tested against.

Each takes an ``ImageFindings`` and gives (fate of each mark, credited mark of each lesion), with the fates' names.
"""

from __future__ import annotations

import itertools
import math


def distance_squared(a, b):
    return sum((p - q) ** 2 for p, q in zip(a, b, strict=True))


def radius(findings, index):
    diameter = findings.diameters_mm[index]
    return (10.0 if math.isnan(diameter) else diameter) / 2


def luna16(image, most=100):
    marks = list(range(len(image.marks)))
    scores = image.marks.scores
    fates = {}
    if len(marks) > most:
        bound = sorted(scores, reverse=True)[most]
        for mark in marks:
            if not scores[mark] > bound:
                fates[mark] = "BEYOND_LIMIT"
    left = [mark for mark in marks if mark not in fates]
    open_marks = set(left)
    credited = []
    for lesion in range(len(image.truth)):
        hits = []
        for mark in left:
            apart = distance_squared(image.truth.centers_ras_mm[lesion], image.marks.centers_ras_mm[mark])
            if apart < radius(image.truth, lesion) ** 2:
                hits.append(mark)
                open_marks.discard(mark)
        best = -1
        for mark in hits:
            fates.setdefault(mark, "SECOND")
            if best < 0 or scores[mark] > scores[best]:
                best = mark
        credited.append(best)
    for lesion in credited:
        if lesion >= 0:
            fates[lesion] = "HIT"
    for excluded in range(len(image.excluded)):
        for mark in sorted(open_marks):
            apart = distance_squared(image.excluded.centers_ras_mm[excluded], image.marks.centers_ras_mm[mark])
            if apart < radius(image.excluded, excluded) ** 2:
                fates[mark] = "EXCLUDED"
                open_marks.discard(mark)
    for mark in open_marks:
        fates[mark] = "FALSE"
    return [fates[mark] for mark in marks], credited


def pixel_iou(a, b):
    wide = max(0.0, min(a[2], b[2]) - max(a[0], b[0]) + 1)
    high = max(0.0, min(a[3], b[3]) - max(a[1], b[1]) + 1)
    shared = wide * high
    areas = [(box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b)]
    return shared / (areas[0] + areas[1] - shared)


def deeplesion(image, least=0.5):
    truth, marks = image.truth.pixel_boxes, image.marks.pixel_boxes
    credited = [-1] * len(image.truth)
    fates = [""] * len(image.marks)
    for mark in sorted(range(len(image.marks)), key=lambda mark: -image.marks.scores[mark]):
        hits = [lesion for lesion in range(len(truth)) if pixel_iou(marks[mark], truth[lesion]) >= least]
        fates[mark] = "SECOND" if hits else "FALSE"
        for lesion in hits:
            if credited[lesion] < 0:
                credited[lesion] = mark
                fates[mark] = "HIT"
    return fates, credited


def box_iou(a, b):
    shared = math.prod(max(0.0, min(a[1][d], b[1][d]) - max(a[0][d], b[0][d])) for d in range(3))
    volumes = [math.prod(box[1][d] - box[0][d] for d in range(3)) for box in (a, b)]
    return shared / (volumes[0] + volumes[1] - shared)


def coco3d(image, least=0.1, most=100):
    """The loop of cocoeval: lesions first, excluded findings after them; an equal overlap moves on to the later one."""
    truth = [*image.truth.boxes_ras_mm, *image.excluded.boxes_ras_mm]
    ignored = [False] * len(image.truth) + [True] * len(image.excluded)
    taken = [-1] * len(truth)
    fates = ["BEYOND_LIMIT"] * len(image.marks)
    for mark in sorted(range(len(image.marks)), key=lambda mark: -image.marks.scores[mark])[:most]:
        best, overlap = -1, least
        for lesion in range(len(truth)):
            if taken[lesion] >= 0:
                continue
            if best >= 0 and not ignored[best] and ignored[lesion]:
                break
            value = box_iou(truth[lesion], image.marks.boxes_ras_mm[mark])
            if value < overlap:
                continue
            best, overlap = lesion, value
        fates[mark] = "FALSE" if best < 0 else "EXCLUDED" if ignored[best] else "HIT"
        if best >= 0:
            taken[best] = mark
    return fates, taken[: len(image.truth)]


def picai(values, least=0.1):
    """The largest sum of 1 + overlap over every one-to-one matching, tried one after the other; ``values`` [T][M].

    Gives the best sum, the fates, and how many lesions are found by the best matchings.
    """
    lesions, marks = len(values), len(values[0]) if len(values) else 0
    best_sum, best = 0.0, {}
    for size in range(min(lesions, marks) + 1):
        for chosen in itertools.combinations(range(lesions), size):
            for partners in itertools.permutations(range(marks), size):
                pairs = list(zip(chosen, partners, strict=True))
                if all(values[t][m] >= least for t, m in pairs):
                    total = sum(1 + values[t][m] for t, m in pairs)
                    if total > best_sum + 1e-12:
                        best_sum, best = total, dict(pairs)
    fates = []
    for mark in range(marks):
        near = any(values[lesion][mark] >= least for lesion in range(lesions))
        fates.append("HIT" if mark in best.values() else "SECOND" if near else "FALSE")
    return best_sum, fates, len(best)


def components(voxels):
    """Sets of voxels (i, j, k) that are connected through 18 neighbours."""
    left, found = set(voxels), []
    steps = [s for s in itertools.product((-1, 0, 1), repeat=3) if 0 < sum(map(abs, s)) <= 2]
    while left:
        part, front = set(), [left.pop()]
        while front:
            voxel = front.pop()
            part.add(voxel)
            for step in steps:
                near = tuple(a + b for a, b in zip(voxel, step, strict=True))
                if near in left:
                    left.remove(near)
                    front.append(near)
        found.append(part)
    return found


def autopet(lesions, marks):
    """Lists of voxel sets -> fates without telling hits from further marks, found lesions, five voxel counts."""
    truth, marked = set().union(*lesions), set().union(*marks)
    truth_parts, mark_parts = components(truth), components(marked)
    missed = [part for part in truth_parts if not part & marked]
    false = [part for part in mark_parts if not part & truth]
    is_false = [all(any(voxel in part for part in false) for voxel in mark) for mark in marks]
    is_found = [any(lesion & part and part & marked for part in truth_parts) for lesion in lesions]
    counts = (len(truth), len(marked), len(truth & marked), sum(map(len, false)), sum(map(len, missed)))
    return is_false, is_found, counts
