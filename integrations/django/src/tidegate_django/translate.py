"""Says a queryset in Tidegate's words: exactly, or not at all.

What a changelist shows is its queryset: filters, search, date hierarchy and `get_queryset` have
all become conditions of it. They are translated one by one. What is not listed here, whatever it
is, has no translation, and its records are handed over by their keys.
"""

from __future__ import annotations

import datetime
import decimal
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import connections, models
from django.db.models import QuerySet, lookups
from django.db.models.expressions import Col
from django.db.models.sql import Query
from django.db.models.sql.where import AND, OR, XOR, NothingNode, WhereNode

#: Keys of one request at most: Tidegate takes no more.
KEYS_MAX = 10_000
#: Values of one list of a filter.
LIST_MAX = 1_000
#: How deep groups of conditions may nest: Tidegate's own limit is 8.
DEPTH_MAX = 7

#: Databases whose text comparisons are known to mean the same.
VENDORS = ("sqlite", "postgresql")

#: Letters of ASCII, and what `upper` or `lower` makes one of them: the dotless and the dotted i,
#: the Kelvin sign, the long s.
ODD_LETTERS = {"i": "\u0131\u0130", "k": "\u212a", "s": "\u017f"}

NUMBERS = (
    models.AutoField,
    models.BigAutoField,
    models.SmallAutoField,
    models.IntegerField,
)
TEXTS = (models.CharField, models.TextField)

#: Lookups that compare, and Tidegate's operators.
COMPARISONS: dict[type, str] = {
    lookups.Exact: "eq",
    lookups.GreaterThan: "gt",
    lookups.GreaterThanOrEqual: "gte",
    lookups.LessThan: "lt",
    lookups.LessThanOrEqual: "lte",
}
#: Lookups of text that heed no case, and Tidegate's operators.
MATCHES: dict[type, str] = {
    lookups.IContains: "contains",
    lookups.IStartsWith: "starts_with",
    lookups.IEndsWith: "ends_with",
}
for _integer in ("IntegerGreaterThan", "IntegerGreaterThanOrEqual", "IntegerLessThan"):
    _found = getattr(lookups, _integer, None)
    if _found is not None:
        COMPARISONS[_found] = {
            "IntegerGreaterThan": "gt",
            "IntegerGreaterThanOrEqual": "gte",
            "IntegerLessThan": "lt",
        }[_integer]
for _integer, _operator in (("IntegerFieldExact", "eq"), ("IntegerLessThanOrEqual", "lte")):
    _found = getattr(lookups, _integer, None)
    if _found is not None:
        COMPARISONS[_found] = _operator


class Untranslatable(Exception):
    """There is no exact translation: the message says of what."""


class TooMany(Exception):
    """There is no exact translation, and there are too many records to name each."""


def scope(
    queryset: QuerySet[Any], fields: Mapping[str, str], key: str | None = None
) -> tuple[dict[str, Any], str | None]:
    """The scope that is this queryset, and why it goes by keys if it does.

    `fields` gives the slugs of columns that are not called alike; none means that there is no such
    field.
    """
    try:
        return {"filter": _filter(queryset, fields), "sort": _sort(queryset, fields)}, None
    except Untranslatable as why:
        return {"ids": keys(queryset, str(why))}, str(why)


def cited(queryset: QuerySet[Any], fields: Mapping[str, str]) -> list[str]:
    """The fields of its own table by which a queryset is found, whatever it does with them: what
    is masked for a user must not be sought by keys either."""
    query = queryset.query
    own = queryset.model._meta.concrete_model
    slugs: set[str] = set()
    todo: list[Any] = [query]
    while todo:
        one = todo.pop()
        if isinstance(one, Query):
            todo += [one.where, *one.annotations.values(), *one.combined_queries]
        elif isinstance(one, WhereNode):
            todo += one.children
        elif isinstance(one, Col):
            if one.target.model._meta.concrete_model is own:
                slugs.add(fields.get(one.target.name, one.target.column))
        elif hasattr(one, "get_source_expressions"):
            todo += [part for part in one.get_source_expressions() if part is not None]
            # What is on the right of a condition may be a query, or a list of expressions.
            right = getattr(one, "rhs", None)
            todo += right if isinstance(right, (list, tuple)) else [right]
            todo.append(getattr(one, "query", None))
    if query.is_sliced:
        # The first ones are found by their order.
        slugs.update(name.lstrip("-") for name in _sort(queryset, fields))
    return sorted(slug for slug in slugs if slug is not None)


def keys(queryset: QuerySet[Any], why: str = "this selection") -> list[Any]:
    """The keys of a queryset, if they are not too many."""
    found = list(queryset.order_by().values_list("pk", flat=True).distinct()[: KEYS_MAX + 1])
    if len(found) > KEYS_MAX:
        raise TooMany(
            f"{why} cannot be said as a filter of Tidegate, and there are more than {KEYS_MAX} "
            "records: narrow it"
        )
    return [_plain(one) for one in found]


def _plain(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, str, uuid.UUID)):
        raise TooMany(f"a key of the type {type(value).__name__} cannot be handed over")
    return value if isinstance(value, int) else str(value)


def _filter(queryset: QuerySet[Any], fields: Mapping[str, str]) -> dict[str, Any]:
    query = queryset.query
    if connections[queryset.db].vendor not in VENDORS:
        raise Untranslatable(f"a condition of {connections[queryset.db].vendor}")
    if query.is_sliced:
        raise Untranslatable("a slice")
    if query.combinator or query.extra or query.extra_tables or query.distinct_fields:
        raise Untranslatable("a union, or SQL of its own")
    if query.group_by is not None or query.annotation_select:
        raise Untranslatable("an aggregate or annotation")
    table = query.get_meta().db_table
    tables = {alias for alias, count in query.alias_refcount.items() if count}
    if tables - {query.get_initial_alias()} or query.base_table != table:
        raise Untranslatable("a condition on another table")
    return Conditions(queryset, fields).node(query.where, 0)


def _sort(queryset: QuerySet[Any], fields: Mapping[str, str]) -> list[str]:
    """The order, where it is one of fields. NULLs stand last, ties go by key: the same records."""
    query = queryset.query
    usual = query.get_meta().ordering if query.default_ordering else ()
    given: Iterable[Any] = query.order_by or usual or ()
    sort: list[str] = []
    for one in given:
        if isinstance(one, models.F):
            one = one.name
        elif isinstance(one, models.expressions.OrderBy):
            expression = one.expression
            if not isinstance(expression, models.F):
                return sort
            one = f"-{expression.name}" if one.descending else expression.name
        if not isinstance(one, str) or "__" in one or one in ("?", "-?"):
            return sort
        name = one.lstrip("-")
        meta = query.get_meta()
        named = (f for f in meta.concrete_fields if name in (f.name, f.attname))
        field: Any = meta.pk
        if name != "pk":
            field = next(named, None)
        # What another model is sorted by is that model's affair.
        if field is None or (field.is_relation and name != field.attname):
            return sort
        slug = fields.get(field.name, field.column)
        if slug is None:
            return sort
        entry = f"-{slug}" if one.startswith("-") else slug
        if entry.lstrip("-") not in [known.lstrip("-") for known in sort]:
            sort.append(entry)
    return sort


class Conditions:
    """The conditions of one queryset."""

    def __init__(self, queryset: QuerySet[Any], fields: Mapping[str, str]) -> None:
        self.query = queryset.query
        self.model = queryset.model
        self.database = queryset.db
        self.vendor = connections[queryset.db].vendor
        self.fields = fields

    def node(self, node: WhereNode, depth: int) -> dict[str, Any]:
        if depth > DEPTH_MAX:
            raise Untranslatable("a condition that nests so deep")
        if node.connector == XOR or node.connector not in (AND, OR):
            raise Untranslatable(f"{node.connector} of conditions")
        if node.negated and self.may_be_unknown(node):
            # SQL knows a third answer there; Tidegate does not.
            raise Untranslatable("a negation over a field that can be empty")
        children = [self.child(child, depth + 1) for child in node.children]
        group = {"all" if node.connector == AND else "any": children}
        if not node.children:
            # Django's empty node is true, whatever joins it.
            group = {"all": []}
        elif len(children) == 1:
            group = children[0]
        return {"not": group} if node.negated else group

    def child(self, child: Any, depth: int) -> dict[str, Any]:
        if isinstance(child, WhereNode):
            return self.node(child, depth)
        if isinstance(child, NothingNode):
            return {"any": []}
        if isinstance(child, lookups.Lookup):
            return self.lookup(child)
        raise Untranslatable(f"a condition {type(child).__name__}")

    def may_be_unknown(self, node: WhereNode) -> bool:
        for child in node.children:
            if isinstance(child, WhereNode):
                if self.may_be_unknown(child):
                    return True
            elif isinstance(child, lookups.Lookup) and not isinstance(child, lookups.IsNull):
                if self.target(child)[0].null:
                    return True
        return False

    def target(self, lookup: Any) -> tuple[models.Field[Any, Any], str]:
        """The field of a condition, and its slug."""
        column = lookup.lhs
        if type(column) is not Col or column.alias != self.query.get_initial_alias():
            raise Untranslatable("a condition on an expression")
        field = column.target
        # `customer__id` is the column of `customer` itself.
        is_own = column.output_field is field or (
            isinstance(field, models.ForeignKey) and column.output_field is field.target_field
        )
        if not is_own:
            raise Untranslatable("a condition on another type")
        slug = self.fields.get(field.name, field.column)
        if slug is None:
            raise Untranslatable(f"a condition on `{field.name}`")
        return field, slug

    def lookup(self, lookup: Any) -> dict[str, Any]:
        field, slug = self.target(lookup)
        kind = type(lookup)
        if lookup.bilateral_transforms:
            raise Untranslatable("a condition on an expression")
        if kind is lookups.IsNull:
            return {"field": slug, "op": "is_null", "value": bool(lookup.rhs)}
        # A foreign key is compared as what it refers to.
        own = field
        while isinstance(own, models.ForeignKey):
            own = own.target_field
        name = kind.__name__
        if name in ("RelatedExact", "RelatedIn"):
            kind = lookups.Exact if name == "RelatedExact" else lookups.In
        if kind is lookups.In:
            return self.within(own, slug, lookup.rhs)
        if kind is lookups.Range:
            low, high = lookup.rhs
            both = [
                self.compared(own, slug, "gte", low),
                self.compared(own, slug, "lte", high),
            ]
            return {"all": both}
        if kind in COMPARISONS:
            return self.compared(own, slug, COMPARISONS[kind], lookup.rhs)
        if kind in MATCHES:
            return self.matched(own, slug, MATCHES[kind], lookup.rhs)
        raise Untranslatable(f"a condition `{lookup.lookup_name}` on `{field.name}`")

    def within(self, field: Any, slug: str, values: Any) -> dict[str, Any]:
        if hasattr(values, "query") or not isinstance(values, (list, tuple, set, frozenset)):
            raise Untranslatable("a condition on another query")
        listed = [one for one in values if one is not None]
        if len(listed) > LIST_MAX:
            raise Untranslatable(f"a list of more than {LIST_MAX} values")
        told = [self.value(field, "eq", one) for one in listed]
        if not told:
            return {"any": []}
        return {"field": slug, "op": "in", "value": told}

    def compared(self, field: Any, slug: str, operator: str, value: Any) -> dict[str, Any]:
        if isinstance(field, (*TEXTS, models.UUIDField)) and operator != "eq":
            # How texts are ordered is a matter of the database.
            raise Untranslatable(f"an order of texts on `{field.name}`")
        return {"field": slug, "op": operator, "value": self.value(field, operator, value)}

    def matched(self, field: Any, slug: str, operator: str, value: Any) -> dict[str, Any]:
        if not self.is_text(field) or not isinstance(value, str):
            raise Untranslatable(f"a search of `{field.name}`, which is no text")
        # Beyond ASCII, databases and the programs above them do not agree about case.
        if not value or not value.isascii() or "\0" in value:
            raise Untranslatable("a search for what is not ASCII, or nothing")
        if self.vendor == "postgresql":
            self.refuse_odd_letters(field, value)
        return {"field": slug, "op": operator, "value": value}

    def refuse_odd_letters(self, field: Any, value: str) -> None:
        """Four letters beyond ASCII are a capital or small one of it to `upper` or to `lower`, and
        not to both: where one of them occurs at all, Django and Tidegate may disagree."""
        for letter, odd in ODD_LETTERS.items():
            if letter not in value.lower():
                continue
            occurs = models.Q()
            for one in odd:
                occurs |= models.Q(**{f"{field.name}__contains": one})
            everything = self.model._base_manager.using(self.database)
            if everything.filter(occurs).exists():
                raise Untranslatable(f"a search of `{field.name}`, which has odd letters,")

    def is_text(self, field: Any) -> bool:
        is_known = isinstance(field, TEXTS) and field.get_internal_type() in (
            "CharField",
            "TextField",
            "SlugField",
        )
        return is_known and not getattr(field, "db_collation", None)

    def value(self, field: Any, operator: str, value: Any) -> Any:
        """A value as JSON, exactly."""
        if hasattr(value, "resolve_expression"):
            raise Untranslatable("a condition on an expression")
        if self.is_text(field) and isinstance(value, str) and "\0" not in value:
            return value
        if isinstance(field, models.BooleanField) and isinstance(value, bool) and operator == "eq":
            return value
        if isinstance(field, NUMBERS) and isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(field, models.UUIDField) and isinstance(value, uuid.UUID):
            if self.vendor == "postgresql":
                return str(value)
        if isinstance(field, models.DecimalField) and isinstance(value, decimal.Decimal):
            if self.vendor == "postgresql" and value.is_finite():
                return format(value, "f")
        if isinstance(field, models.DateTimeField):
            if isinstance(value, datetime.datetime):
                return self.moment(value)
        elif isinstance(field, models.DateField) and type(value) is datetime.date:
            return value.isoformat()
        raise Untranslatable(f"a value of `{field.name}`")

    def moment(self, value: datetime.datetime) -> str:
        """PostgreSQL keeps instants; in SQLite, Django writes what a clock in UTC shows."""
        if value.tzinfo is None:
            raise Untranslatable("a moment without a zone")
        instant = value.astimezone(datetime.timezone.utc)
        if self.vendor == "sqlite":
            return instant.replace(tzinfo=None).isoformat()
        return instant.isoformat()
