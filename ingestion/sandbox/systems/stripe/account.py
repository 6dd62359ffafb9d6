"""The account: every kind of object that it holds, by the name of its list."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ingestion.sandbox.systems.stripe.books import Books
from ingestion.sandbox.systems.stripe.collections import Document, Kind
from ingestion.sandbox.systems.stripe.customers import customers
from ingestion.sandbox.world import World

BUILDERS: Mapping[str, Callable[[Books], Kind]] = {"customers": customers}


class Account:
    """The world as an account shows it. Build a new one when the world has changed."""

    def __init__(self, world: World) -> None:
        self.books = Books(world)
        self.now = self.books.now
        self._kinds: dict[str, Kind] = {}

    def kind(self, name: str) -> Kind | None:
        """The objects of a list's name, as in /v1/customers."""
        if name not in self._kinds and name in BUILDERS:
            self._kinds[name] = BUILDERS[name](self.books)
        return self._kinds.get(name)

    def inside(self, kind: Kind, key: int, name: str) -> Kind:
        """A list inside an object, as the lines of an invoice."""
        raise KeyError(name)

    def tiers(self, price_id: str) -> list[Document]:
        """The bands of a price; none where it has none."""
        raise KeyError(price_id)

    def read(self, object_id: str) -> Document | None:
        """The object of an id of any kind, as it is now."""
        for name in BUILDERS:
            kind = self.kind(name)
            key = None if kind is None else kind.ids.key(object_id)
            if kind is not None and key is not None:
                return kind.render(key, self.now)
        return None
