"""ELAN's annotation format, EAF 3.0: a tier for each voice, and the seven emotions as a controlled vocabulary."""

import xml.etree.ElementTree as ET
from pathlib import PurePath

from intone.emotions import Emotion
from intone.formats.text import label, tiers, well_formed
from intone.results import Timeline

SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
VOCABULARY = "emotions"
WRITTEN = "1970-01-01T00:00:00+00:00"
"""The format wants a date; the same timeline is to be the same file."""


def render(timeline: Timeline) -> bytes:
    """Write a timeline as EAF: each annotation is a segment's answer and confidence."""
    root = ET.Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": "intone", "DATE": WRITTEN, "FORMAT": "3.0", "VERSION": "3.0",
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance", "xsi:noNamespaceSchemaLocation": SCHEMA,
        },
    )  # fmt: skip
    header = ET.SubElement(root, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    name = well_formed(PurePath(timeline.file).name)
    ET.SubElement(header, "MEDIA_DESCRIPTOR", {"MEDIA_URL": f"./{name}", "MIME_TYPE": "audio/*"})
    order = ET.SubElement(root, "TIME_ORDER")
    moments: list[tuple[int, ET.Element, str]] = []
    for voice, segments in tiers(timeline).items():
        tier = ET.SubElement(root, "TIER", {"LINGUISTIC_TYPE_REF": "emotion", "TIER_ID": voice})
        for segment in segments:
            start, end = round(segment.start * 1000), round(segment.end * 1000)
            if end <= start:
                continue
            annotation = ET.SubElement(
                ET.SubElement(tier, "ANNOTATION"), "ALIGNABLE_ANNOTATION",
                {"ANNOTATION_ID": f"a{len(moments) // 2 + 1}"},
            )  # fmt: skip
            ET.SubElement(annotation, "ANNOTATION_VALUE").text = label(segment)
            moments += [(start, annotation, "TIME_SLOT_REF1"), (end, annotation, "TIME_SLOT_REF2")]
    # The format's slots are in the order of time, whoever speaks.
    for number, (at, annotation, side) in enumerate(sorted(moments, key=lambda moment: moment[0]), start=1):
        ET.SubElement(order, "TIME_SLOT", {"TIME_SLOT_ID": f"ts{number}", "TIME_VALUE": str(at)})
        annotation.set(side, f"ts{number}")
    ET.SubElement(
        root, "LINGUISTIC_TYPE",
        {"GRAPHIC_REFERENCES": "false", "LINGUISTIC_TYPE_ID": "emotion", "TIME_ALIGNABLE": "true"},
    )  # fmt: skip
    language = {"LANG_DEF": "http://cdb.iso.org/lg/CDB-00138502-001", "LANG_ID": "eng", "LANG_LABEL": "English (eng)"}
    ET.SubElement(root, "LANGUAGE", language)
    vocabulary = ET.SubElement(root, "CONTROLLED_VOCABULARY", {"CV_ID": VOCABULARY})
    ET.SubElement(vocabulary, "DESCRIPTION", {"LANG_REF": "eng"}).text = "The seven emotions that Intone hears"
    for emotion in Emotion:
        entry = ET.SubElement(vocabulary, "CV_ENTRY_ML", {"CVE_ID": f"cve-{emotion}"})
        ET.SubElement(entry, "CVE_VALUE", {"LANG_REF": "eng", "DESCRIPTION": str(emotion)}).text = str(emotion)
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return written
