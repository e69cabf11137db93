"""Reads and writes Tigo's XML: one flat `<COMMAND>` of texts (Tigo fact sheet, B and C)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree

from defusedxml.ElementTree import fromstring

from payments.providers.wire import decode

ROOT = "COMMAND"
CONTENT_TYPE = "text/xml"
NOT_IN_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read_command(body: bytes) -> dict[str, str]:
    """The texts by their tags, without outer spaces.

    Raises ValueError for what is no such document or means more than one thing: document types and
    entities, nested or repeated tags, another encoding than UTF-8.
    """
    document = decode(body)
    if NOT_IN_XML.search(document):  # with NULs between, the parser would guess at UTF-16
        raise ValueError("not XML: a character that XML cannot hold")
    try:
        root = fromstring(document, forbid_dtd=True)
    except ElementTree.ParseError as error:
        raise ValueError(f"not XML: {error}") from error
    if root.tag != ROOT:
        raise ValueError("not a COMMAND")
    fields: dict[str, str] = {}
    for element in root:
        if len(element):
            raise ValueError("a tag is nested")
        if element.tag in fields:
            raise ValueError("a tag is repeated")
        fields[element.tag] = (element.text or "").strip()
    return fields


def write_command(fields: Mapping[str, str]) -> bytes:
    """The document of these texts, in their order. What XML cannot hold is left out."""
    root = ElementTree.Element(ROOT)
    for tag, value in fields.items():
        ElementTree.SubElement(root, tag).text = NOT_IN_XML.sub("", value)
    document: bytes = ElementTree.tostring(
        root, encoding="UTF-8", xml_declaration=True, short_empty_elements=False
    )
    return document
