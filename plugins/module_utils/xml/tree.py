# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Small helpers over ElementTree: safe parsing, and setting a child's text."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput


class _NoDocumentType(ET.TreeBuilder):
    """Refuses a document type, and with it every entity of its own: data of hosts and guests is not trusted."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise InvalidInput("the XML has a document type, which no definition needs", found=repr(name))


def parse(text: str) -> ET.Element:
    """Read XML without a document type.

    Raises:
        InvalidInput: it is not well-formed, or has a document type.
    """
    try:
        return ET.fromstring(text, ET.XMLParser(target=_NoDocumentType()))
    except ET.ParseError as error:
        raise InvalidInput("the XML cannot be read", found=str(error)) from error


def child(parent: ET.Element, tag: str) -> ET.Element:
    """The child of that name, made when it is missing."""
    found = parent.find(tag)
    return ET.SubElement(parent, tag) if found is None else found


def drop(parent: ET.Element, *tags: str) -> None:
    """Remove all children of these names."""
    for found in [element for element in parent if element.tag in tags]:
        parent.remove(found)


def set_text(parent: ET.Element, tag: str, text: str | None) -> None:
    """Give the child of that name a text; None removes the child."""
    if text is None:
        found = parent.find(tag)
        if found is not None:
            parent.remove(found)
    else:
        child(parent, tag).text = text


def text_of(parent: ET.Element, path: str) -> str | None:
    """The text at a path, None when there is none."""
    # Only XML's own blanks: a no-break space, say, belongs to the text.
    text = (parent.findtext(path) or "").strip(" \t\r\n")
    return text or None


def ensured(root: ET.Element, path: str) -> ET.Element:
    """The element at a path of plain names, made with those above it where they are missing."""
    element = root
    for tag in path.split("/"):
        element = child(element, tag)
    return element


def prune(parent: ET.Element, tag: str) -> None:
    """Remove the child of that name when nothing is left in it."""
    found = parent.find(tag)
    if found is not None and not len(found):
        parent.remove(found)
