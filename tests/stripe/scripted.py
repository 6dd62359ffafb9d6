"""A Stripe that a test writes by hand: objects, what happened to them, and a clock."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Callable, Iterable
from email.utils import format_datetime
from typing import Any

import orjson
from documents import Document, document, unix
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

API_VERSION = "2026-10-28.endive"
LISTS = {
    "customers": "customer", "products": "product", "prices": "price", "coupons": "coupon",
    "subscriptions": "subscription", "invoices": "invoice", "invoiceitems": "invoiceitem",
    "invoice_payments": "invoice_payment", "charges": "charge", "refunds": "refund",
    "disputes": "dispute", "credit_notes": "credit_note",
    "balance_transactions": "balance_transaction", "events": "event",
}  # fmt: skip
"""The object of each list."""
PARTS = {"subscription": "items", "invoice": "lines", "credit_note": "lines"}
"""The list within each object."""
ON_DEMAND = {"price": ("tiers",), "coupon": ("applies_to",)}
"""What an object has only where it is asked for."""
MOST_IN_PART = 10
DAYS_OF_EVENTS = 30
DAY = 86_400
EVENTS_OF = {
    "subscription": "customer.subscription", "discount": "customer.discount",
    "dispute": "charge.dispute",
}  # fmt: skip


class ScriptedStripe:
    """The ASGI application. `asked` is called before each answer with the path that it is for."""

    def __init__(self, now: str) -> None:
        self.now = unix(now)
        self.version = API_VERSION
        self.objects: dict[str, dict[str, Document]] = {name: {} for name in LISTS.values()}
        self.deleted: dict[str, Document] = {}
        self.requests: list[tuple[str, str]] = []
        self.asked: Callable[[str], None] = lambda path: None

    def at(self, moment: str) -> None:
        """Go on to a moment."""
        assert unix(moment) >= self.now
        self.now = unix(moment)

    def create(self, *documents: Document, event: str = "created") -> None:
        """Objects come to be now, unless they say when they did; each tells it by an event."""
        for it in copy.deepcopy(documents):
            kind = it["object"]
            moment = _dated(kind)
            it[moment] = it.get(moment) or self.now
            if kind in self.objects:
                self.objects[kind][it["id"]] = it
            self.tell(f"{EVENTS_OF.get(kind, kind)}.{event}", it)

    def update(self, id: str, event: str = "updated", **told: Any) -> None:
        """Something of an object becomes another; the event has what it was before."""
        it = self.found(id)
        previous = {key: it.get(key) for key, value in told.items() if it.get(key) != value}
        if "items" in previous:
            previous["items"] = {"data": previous["items"]["data"][:MOST_IN_PART]}
        it.update(told)
        self.tell(f"{EVENTS_OF.get(it['object'], it['object'])}.{event}", it, previous)

    def delete(self, id: str) -> None:
        """An object goes for good."""
        it = self.found(id)
        del self.objects[it["object"]][id]
        self.deleted[id] = {"id": id, "object": it["object"], "deleted": True}
        self.tell(f"{EVENTS_OF.get(it['object'], it['object'])}.deleted", it)

    def tell(
        self,
        type: str,
        about: Document,
        previous: Document | None = None,
        api_version: str = API_VERSION,
    ) -> None:
        """An event of now."""
        events = self.objects["event"]
        id = f"evt_{len(events) + 1:04}"
        data = {"object": copy.deepcopy(about)}
        if previous is not None:
            data["previous_attributes"] = copy.deepcopy(previous)
        events[id] = document(
            "event", id=id, type=type, created=self.now, api_version=api_version, data=data
        )

    def found(self, id: str) -> Document:
        """The object of an id."""
        [it] = [held[id] for held in self.objects.values() if id in held]
        return it

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        request = Request(scope, receive)
        self.requests.append((request.url.path, request.url.query))
        self.asked(request.url.path)
        status, body = self._answer(request)
        headers = {
            "date": format_datetime(dt.datetime.fromtimestamp(self.now, dt.UTC), usegmt=True),
            "request-id": f"req_{len(self.requests)}", "stripe-version": self.version,
        }  # fmt: skip
        response = Response(orjson.dumps(body), status, headers, "application/json")
        await response(scope, receive, send)

    def _answer(self, request: Request) -> tuple[int, Document]:
        match request.url.path.removeprefix("/v1/").split("/"):
            case ["subscription_items"]:
                parent = request.query_params["subscription"]
                return self._page(request, self.found(parent)["items"]["data"], is_newest_first=0)
            case [name] if name in LISTS:
                return self._page(request, self._listed(LISTS[name], request))
            case ["subscription_items", id]:
                parents = self.objects["subscription"].values()
                [found] = [i for it in parents for i in it["items"]["data"] if i["id"] == id]
                return 200, _shown(found, {*_values(request, "expand")})
            case [name, id] if name in LISTS:
                return self._one(LISTS[name], id, request)
            case ["invoices" | "credit_notes", id, "lines"]:
                return self._page(request, self.found(id)["lines"]["data"], is_newest_first=0)
        return 404, _error("resource_missing", f"Unrecognized request URL ({request.url.path})")

    def _one(self, kind: str, id: str, request: Request) -> tuple[int, Document]:
        if id in self.objects[kind]:
            expanded = {*_values(request, "expand")}
            return 200, _shown(self.objects[kind][id], expanded)
        if id in self.deleted:
            return 200, self.deleted[id]
        return 404, _error("resource_missing", f"No such {kind}: '{id}'")

    def _listed(self, kind: str, request: Request) -> list[Document]:
        query = request.query_params
        found = list(self.objects[kind].values())
        if kind == "event":
            found = [it for it in found if it["created"] >= self.now - DAYS_OF_EVENTS * DAY]
            types = [*_values(request, "types"), *query.getlist("type")]
            if types:
                found = [it for it in found if any(_is_of_type(it["type"], t) for t in types)]
        if kind == "subscription" and query.get("status") != "all":
            found = [it for it in found if it["status"] == query.get("status", it["status"])]
            found = [it for it in found if "status" in query or it["status"] != "canceled"]
        if kind == "invoiceitem" and query.get("pending") == "true":
            found = [it for it in found if it["invoice"] is None]
        for name in ("customer", "invoice", "subscription", "charge", "product"):
            if name in query and name != kind:
                found = [it for it in found if it.get(name) == query[name]]
        return [it for it in found if _is_between(it[_dated(kind)], request)]

    def _page(
        self, request: Request, found: Iterable[Document], is_newest_first: bool = True
    ) -> tuple[int, Document]:
        query = request.query_params
        listed = list(found)
        if is_newest_first:
            listed.reverse()
            listed.sort(key=lambda it: -it[_dated(it["object"])])
        if after := query.get("starting_after"):
            ids = [it["id"] for it in listed]
            if after not in ids:
                return 400, _error("resource_missing", f"No such object: '{after}'")
            listed = listed[ids.index(after) + 1 :]
        limit = int(query.get("limit", 10))
        expanded = {it.removeprefix("data.") for it in _values(request, "expand")}
        return 200, {
            "object": "list", "data": [_shown(it, expanded) for it in listed[:limit]],
            "has_more": len(listed) > limit, "url": request.url.path,
        }  # fmt: skip


def _values(request: Request, name: str) -> list[str]:
    """The elements of a list among the parameters: each is `name[]`, or one is `name[0]`."""
    asked = request.query_params.multi_items()
    return [value for key, value in asked if key.partition("[")[0] == name]


def _dated(kind: str) -> str:
    """The key of the moment when an object was created."""
    return "date" if kind == "invoiceitem" else "created"


def _is_of_type(type: str, wanted: str) -> bool:
    return type == wanted or (wanted.endswith("*") and type.startswith(wanted[:-1]))


def _is_between(created: int, request: Request) -> bool:
    query = request.query_params
    return (
        created >= int(query.get("created[gte]", created))
        and created <= int(query.get("created[lte]", created))
        and created > int(query.get("created[gt]", created - 1))
        and created < int(query.get("created[lt]", created + 1))
    )


def _shown(it: Document, expanded: set[str]) -> Document:
    """An object as an answer has it: expanded as asked for, and with ten parts at most."""
    shown = dict(it)
    if it["object"] in ("subscription", "subscription_item", "invoice", "line_item"):
        shown["discounts"] = _discounts(it, expanded)
    if it["object"] == "customer" and it.get("discount"):
        is_whole = any(name.startswith("discount.source.coupon") for name in expanded)
        shown["discount"] = it["discount"] if is_whole else _with_id_of_coupon(it["discount"])
    for name in ON_DEMAND.get(it["object"], ()):
        if name not in expanded:
            shown.pop(name, None)
    if part := PARTS.get(it["object"]):
        within = {w.removeprefix(f"{part}.data.") for w in expanded}
        within &= {w.removeprefix(f"{part}.data.") for w in expanded if w.startswith(f"{part}.")}
        held = [_shown(p, within) for p in it[part]["data"][:MOST_IN_PART]]
        shown[part] = {
            **it[part], "data": held, "has_more": len(it[part]["data"]) > MOST_IN_PART
        }  # fmt: skip
    return shown


def _discounts(it: Document, expanded: set[str]) -> list[Any]:
    """Ids of discounts, or the discounts with ids of their coupons, or with these, too."""
    deeper = {name for name in expanded if name.startswith("discounts.source.coupon")}
    held = it.get("discounts") or []
    if deeper or "discounts" not in expanded:
        return [d if deeper or isinstance(d, str) else d["id"] for d in held]
    return [d if isinstance(d, str) else _with_id_of_coupon(d) for d in held]


def _with_id_of_coupon(discount: Document) -> Document:
    coupon = discount["source"]["coupon"]
    id = coupon["id"] if isinstance(coupon, dict) else coupon
    return {**discount, "source": {**discount["source"], "coupon": id}}


def _error(code: str, message: str) -> Document:
    return {"error": {"type": "invalid_request_error", "code": code, "message": message}}
