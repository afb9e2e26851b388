"""Reads XML with lxml."""

from lxml import etree

import cells
import nested
import plain


def lxml_xml(request):
    """Root, one element a record, a tag a field; nested tags are dots, repeated tags lists."""
    parser = etree.XMLParser(huge_tree=True, resolve_entities=False, no_network=True)
    root = etree.fromstring(plain.content(request["path"]), parser)
    records = list(root)
    first = [tag(child) for child in records[0]] if records else []
    names = nested.names_of(dict.fromkeys(first), request.get("names"))
    rows = [row(record, names) for record in records]
    titles = [root.tag] + sorted({record.tag for record in records})
    return cells.table([nested.bare(name) for name in names], rows, titles)


def row(record, names):
    """The cells of a record; a tag too few or one too many is an error."""
    seen = set()
    found = [cell(record, name, seen) for name in names]
    for element in record.iter(etree.Element):
        if element is not record and not related(element, seen):
            raise KeyError(f"not asked for, but in the file: {tag(element)}")
    return found


def related(element, seen):
    """Whether the element is one that was found, or around or within one."""
    return (
        element in seen
        or any(parent in seen for parent in element.iterancestors())
        or any(child in seen for child in element.iterdescendants())
    )


def cell(record, name, seen):
    """The value under a name: text, NULL, or a list as JSON of text."""
    elements = find(record, nested.bare(name).split("."))
    seen.update(elements)
    if nested.is_list(name):
        if len(elements) == 1 and is_nil(elements[0]) and "items" not in elements[0].attrib:
            return cells.NULL
        return ("json", cells.json_text([member(element) for element in elements]))
    if len(elements) != 1:
        raise KeyError(f"{name} is in the record {len(elements)} times")
    value = member(elements[0])
    if isinstance(value, dict):
        return ("json", cells.json_text(value))
    return cells.NULL if value is None else ("text", value)


def find(element, path):
    """The elements at the path. Dots may also be part of a tag."""
    for length in range(len(path), 0, -1):
        key = ".".join(path[:length])
        children = [child for child in element if tag(child) == key]
        if children and length == len(path):
            return children
        deeper = [found for child in children for found in find(child, path[length:])]
        if deeper:
            return deeper
    return []


def member(element):
    """Text, NULL, or an object of its children, in which repeated tags are arrays."""
    if is_nil(element):
        return None
    if len(element) == 0:
        return element.text or ""
    grouped = {}
    for child in element:
        grouped.setdefault(tag(child), []).append(member(child))
    return {key: values[0] if len(values) == 1 else values for key, values in grouped.items()}


def is_nil(element):
    """Whether the element stands for NULL."""
    return element.get("nil") == "true"


def tag(element):
    """Name of the field: the tag, or the attribute where the name is no tag."""
    return element.get("name") if element.tag == "field" and "name" in element.attrib \
        else element.tag


READERS = {"lxml-xml": lxml_xml}
