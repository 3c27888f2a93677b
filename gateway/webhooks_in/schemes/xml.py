"""XML as platforms send it, made JSON: the root's children by name, text as text, what is there twice as a list.

expat of the standard library, with every declaration refused: no DTD, so no entity that grows, none that reads a file, and
nothing for a library to take care of that this does not.
"""

from typing import Any, NoReturn
from xml.parsers import expat

_DEEPEST = 20


class NotReadable(ValueError):
    """No XML that we read: broken, with a DTD, or too deep."""


class _Reader:
    """Builds the tree while expat walks through the document."""

    def __init__(self) -> None:
        self.root: Any = None
        self._open: list[tuple[str, dict[str, Any], list[str]]] = []

    def start(self, name: str, _attributes: Any) -> None:
        if len(self._open) == _DEEPEST:
            raise NotReadable("the XML is too deep")
        self._open.append((name, {}, []))

    def text(self, data: str) -> None:
        if self._open:
            self._open[-1][2].append(data)

    def end(self, _name: str) -> None:
        name, children, texts = self._open.pop()
        value: Any = children or "".join(texts).strip()
        if not self._open:
            self.root = value
            return
        beside = self._open[-1][1]
        if name not in beside:
            beside[name] = value
        elif isinstance(beside[name], list):
            beside[name].append(value)
        else:
            beside[name] = [beside[name], value]


def _refuse(*_: Any) -> NoReturn:
    raise NotReadable("XML with a document type is not read")


def read_xml(document: bytes) -> Any:
    """A dict, or the text of a root without children. Raises NotReadable, never anything else."""
    reader, parser = _Reader(), expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = parser.ExternalEntityRefHandler = _refuse
    try:
        parser.Parse(document, True)
    except expat.ExpatError:
        raise NotReadable("this is no XML in UTF-8") from None
    return reader.root
