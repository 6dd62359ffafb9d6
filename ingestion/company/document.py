"""A company file as YAML: refused where it could be misread, or is no company's."""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from ingestion.errors import CompanyError, shorten

MAX_BYTES, MAX_LEVELS, MAX_NODES = 64 << 20, 100, 1_000_000
"""How deep and how large a company file may be, what its aliases stand for counted as often."""

_TEXT, _NULL = (f"tag:yaml.org,2002:{kind}" for kind in ("str", "null"))


def read_document(path: Path) -> dict[str, Any]:
    """What a company file holds. Raises CompanyError where it is no YAML, or no mapping."""
    try:
        if path.exists() and not path.is_file():
            raise CompanyError(f"{path}: not a file; name the company's file")
        if path.is_file() and path.stat().st_size > MAX_BYTES:
            raise CompanyError(
                f"{path}: over {MAX_BYTES >> 20} MB; put rows into files of a source"
            )
        text = path.read_text(encoding="utf-8")
        document = yaml.load(text, _Loader)
    except OSError as error:
        raise CompanyError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise CompanyError(f"{path}: not a text file in UTF-8; save it as one") from None
    except yaml.reader.ReaderError as error:
        number = text.count("\n", 0, error.position) + 1
        raise CompanyError(
            f"{path}, line {number}: not valid YAML: a character that is no text "
            f"(#x{error.character:04x}); remove it"
        ) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise CompanyError(f"{path}, line {line}: not valid YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise CompanyError(f"{path}: not valid YAML: {error}") from None
    if not isinstance(document, dict):
        raise CompanyError(f"{path}: expected keys such as name, currency, timezone and sources")
    return document


class _Loader(yaml.SafeLoader):
    """Loads YAML, refuses keys that are written twice, and takes `rows` and `provides` as written.

    YAML would drop the first of two keys, and make of 0123 the number 83, of NO false, of 12:30
    the number 750. What is nested deeper than any company, or grows by aliases, is refused, and so
    are characters that no SQL holds: NUL, and half of a pair.
    """

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self.depth += 1
        if self.depth > MAX_LEVELS:
            problem = f"nested more than {MAX_LEVELS} levels deep: no key is so deep"
            raise yaml.constructor.ConstructorError(None, None, problem, self.get_mark())
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_document(self, node: yaml.Node) -> Any:
        if _weight(node, {}) > MAX_NODES:
            problem = f"more than {MAX_NODES:,} values, aliases written out: write fewer"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        return super().construct_document(node)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, AttributeError):  # a date such as 2024-02-30
            kind = node.tag.rpartition(":")[2]
            problem = f"{shorten(node.value)} is no {kind}; where it is text, put it in quotes"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from None

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:
        text = super().construct_scalar(node)
        if bad := re.search("[\0\ud800-\udfff]", str(text)):
            problem = f"the character U+{ord(bad[0]):04X} is no text"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        return text

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        first: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode) and first.setdefault(key.value, line) != line:
                problem = f"key '{key.value}' was already written in line {first[key.value]}"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
        for key, value in node.value:
            if key.value == "rows" and isinstance(value, yaml.SequenceNode):
                _take_as_text(value.value)
            elif key.value == "provides":
                _take_as_text([value])
        return super().construct_mapping(node, deep)


def _weight(node: yaml.Node, known: dict[int, int]) -> int:
    """How many values a node is, those that aliases stand for counted as often as they do."""
    if id(node) in known or isinstance(node, yaml.ScalarNode):
        return known.get(id(node), 1)
    known[id(node)] = MAX_NODES + 1  # until it is known, lest it hold itself
    pairs = isinstance(node, yaml.MappingNode)
    inner = [one for pair in node.value for one in pair] if pairs else node.value
    known[id(node)] = 1 + sum(_weight(one, known) for one in inner)
    return known[id(node)]


def _take_as_text(rows: list[yaml.Node]) -> None:
    for row in rows:
        for _, value in row.value if isinstance(row, yaml.MappingNode) else ():
            if isinstance(value, yaml.ScalarNode) and value.tag != _NULL:
                value.tag = _TEXT
