"""Google Ads Query Language: a query's text, parsed. What its fields are is not known here.

    Query            -> SELECT fields FROM resource (WHERE condition (AND condition)*)?
                        (ORDER BY …)? (LIMIT n)? (PARAMETERS name = value, …)?

By https://developers.google.com/google-ads/api/docs/query/grammar.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn, TypeVar

from ingestion.sandbox.systems.google_ads.errors import QueryError

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")
      | (?P<number>-?\d+(?:\.\d+)?(?![\w.-]))
      | (?P<word>[A-Za-z_][\w.]*|\d[\w]*)
      | (?P<sign>!=|>=|<=|=|>|<|,|\(|\))
      | (?P<open>['"])
      | (?P<bad>\S)
    )""",
    re.VERBOSE,
)
_FIELD = re.compile(r"[a-z][a-zA-Z0-9._]*")
KEYWORDS = ("SELECT", "FROM", "WHERE", "AND", "ORDER", "BY", "LIMIT", "PARAMETERS")
WORDY = {
    ("NOT", "IN"): "NOT IN", ("NOT", "LIKE"): "NOT LIKE", ("IS", "NULL"): "IS NULL",
    ("NOT", "REGEXP_MATCH"): "NOT REGEXP_MATCH", ("CONTAINS", "ANY"): "CONTAINS ANY",
    ("CONTAINS", "ALL"): "CONTAINS ALL", ("CONTAINS", "NONE"): "CONTAINS NONE",
}  # fmt: skip
Item = TypeVar("Item")
LISTS = ("IN", "NOT IN", "CONTAINS ANY", "CONTAINS ALL", "CONTAINS NONE")


@dataclass(frozen=True)
class Condition:
    """A field, an operator in capitals, and what it is compared with: none, one, two or several."""

    field: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Query:
    """What is asked: fields, the resource that they are of, and which rows of it, how ordered."""

    fields: tuple[str, ...]
    resource: str
    conditions: tuple[Condition, ...] = ()
    order: tuple[tuple[str, bool], ...] = ()
    """Fields, and whether the largest comes first."""
    limit: int | None = None
    parameters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Token:
    """A piece of a query: what it is, and its text, of strings that between the quotes."""

    kind: str
    text: str

    @property
    def upper(self) -> str:
        """A word in capitals, as keywords are written; nothing else equals one."""
        return self.text.upper() if self.kind == "word" else ""


COMMA, OPENING, CLOSING, EQUALS = (Token("sign", sign) for sign in (",", "(", ")", "="))


def parse(text: str) -> Query:
    """The query that a text is. Raises QueryError."""
    return _Parser(_tokens(text)).query()


def _tokens(text: str) -> list[Token]:
    found: list[Token] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        assert match is not None
        kind, piece = str(match.lastgroup), match[str(match.lastgroup)]
        if kind == "open":
            raise QueryError("STRING_NOT_TERMINATED", "Error in query: string not terminated.")
        if kind == "bad":
            raise QueryError("UNEXPECTED_INPUT", f"Error in query: unexpected input {piece}.")
        if kind == "string":
            piece = re.sub(r"\\(.)", r"\1", piece[1:-1])
        found.append(Token(kind, piece))
        position = match.end()
    return found


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens, self._at = tokens, 0

    def query(self) -> Query:
        self._expect("SELECT", "EXPECTED_SELECT")
        fields = self._listed(self._field)
        if not self._tokens[self._at :]:
            raise QueryError("EXPECTED_FROM", "Error in query: FROM clause is missing.")
        self._expect("FROM", "EXPECTED_FROM")
        resource = self._field()
        conditions = self._conditions() if self._skip("WHERE") else []
        order: list[tuple[str, bool]] = []
        if self._skip("ORDER"):
            self._expect("BY", "EXPECTED_BY")
            order = self._listed(self._ordering)
        limit = self._limit() if self._skip("LIMIT") else None
        parameters = self._listed(self._parameter) if self._skip("PARAMETERS") else []
        if self._at < len(self._tokens):
            self._unexpected(self._tokens[self._at])
        return Query(
            tuple(fields), resource, tuple(conditions), tuple(order), limit, tuple(parameters)
        )

    def _conditions(self) -> list[Condition]:
        conditions = [self._condition()]
        while self._skip("AND"):
            conditions.append(self._condition())
        return conditions

    def _condition(self) -> Condition:
        field, operator = self._field(), self._operator()
        if operator in ("IS NULL", "IS NOT NULL"):
            return Condition(field, operator, ())
        if operator in LISTS:
            return Condition(field, operator, tuple(self._value_list()))
        low = self._value()
        if operator != "BETWEEN":
            return Condition(field, operator, (low,))
        self._expect("AND", "EXPECTED_AND")
        return Condition(field, operator, (low, self._value()))

    def _operator(self) -> str:
        token = self._next()
        if token.kind == "sign" and token not in (COMMA, OPENING, CLOSING):
            return token.text
        word = token.upper
        if word in ("IN", "LIKE", "BETWEEN", "DURING", "REGEXP_MATCH"):
            return word
        if word in ("NOT", "IS", "CONTAINS"):
            following = self._next().upper
            if (word, following) == ("IS", "NOT"):
                self._expect("NULL", "BAD_OPERATOR")
                return "IS NOT NULL"
            if (word, following) in WORDY:
                return WORDY[word, following]
        raise QueryError("BAD_OPERATOR", f"Error in query: {token.text} is not an operator.")

    def _value_list(self) -> list[str]:
        if self._next() != OPENING:
            raise QueryError("EXPECTED_LIST", "Error in query: a list of values is expected.")
        if self._peek() == CLOSING:
            raise QueryError("PROHIBITED_EMPTY_LIST_IN_CONDITION", "Error in query: empty list.")
        values = self._listed(self._value)
        if self._next() != CLOSING:
            raise QueryError("EXPECTED_LIST", "Error in query: the list of values does not end.")
        return values

    def _value(self) -> str:
        token = self._next()
        if token.kind == "sign":
            code = "EXPECTED_SINGLE_VALUE" if token == OPENING else "BAD_VALUE"
            raise QueryError(code, f"Error in query: unexpected value {token.text}.")
        return token.text

    def _ordering(self) -> tuple[str, bool]:
        field = self._field()
        return field, self._skip("DESC") or (self._skip("ASC") and False)

    def _limit(self) -> int:
        token = self._next()
        if token.kind != "number" or not token.text.isdigit():
            raise QueryError("BAD_LIMIT_VALUE", f"Error in query: bad LIMIT value {token.text}.")
        if int(token.text) < 1:
            raise QueryError("LIMIT_VALUE_TOO_LOW", "Error in query: LIMIT value is too low.")
        return int(token.text)

    def _parameter(self) -> tuple[str, str]:
        name = self._next().text
        if self._next() != EQUALS:
            raise QueryError("BAD_PARAMETER_VALUE", f"Error in query: {name} has no value.")
        return name, self._next().text

    def _field(self) -> str:
        token = self._next()
        if token.kind != "word" or token.upper in KEYWORDS or not _FIELD.fullmatch(token.text):
            self._unexpected(token)
        return token.text

    def _listed(self, item: Callable[[], Item]) -> list[Item]:
        found = [item()]
        while self._at < len(self._tokens) and self._tokens[self._at] == COMMA:
            self._at += 1
            found.append(item())
        return found

    def _peek(self) -> Token:
        if self._at >= len(self._tokens):
            raise QueryError("UNEXPECTED_END_OF_QUERY", "Error in query: unexpected end of query.")
        return self._tokens[self._at]

    def _next(self) -> Token:
        token = self._peek()
        self._at += 1
        return token

    def _skip(self, keyword: str) -> bool:
        is_next = self._at < len(self._tokens) and self._tokens[self._at].upper == keyword
        self._at += is_next
        return is_next

    def _expect(self, keyword: str, code: str) -> None:
        if not self._skip(keyword):
            found = self._tokens[self._at].text if self._at < len(self._tokens) else "end of query"
            raise QueryError(code, f"Error in query: expected {keyword}, found {found}.")

    @staticmethod
    def _unexpected(token: Token) -> NoReturn:
        raise QueryError("UNEXPECTED_INPUT", f"Error in query: unexpected input {token.text}.")
