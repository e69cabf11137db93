"""The XML of disbursement and paybill: one flat COMMAND."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree import ElementTree

CONTENT_TYPE = "text/xml"


def command(fields: Mapping[str, object]) -> bytes:
    """The fields in their order; an empty one is an empty element."""
    root = ElementTree.Element("COMMAND")
    for name, value in fields.items():
        ElementTree.SubElement(root, name).text = str(value)
    body: bytes = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return body


def parsed(body: bytes) -> dict[str, str] | None:
    """The fields by name; None for what is no COMMAND. Document types are not read at all."""
    if b"<!" in body:
        return None
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - no document type, so no entities
    except ElementTree.ParseError:
        return None
    if root.tag != "COMMAND":
        return None
    return {child.tag: (child.text or "").strip() for child in root}
