"""Wrong questions: each has an error that names the way out, before any row is read."""

import math
from datetime import datetime

import pytest

from cronjobs.core.errors import CronjobsError, QueryError
from cronjobs.services.query import make_query

WRONG = [
    # Names.
    ({"entity": "custmer"}, "query: no entity `custmer`; did you mean `customers`?"),
    ({"entity": "customers; DROP TABLE orders"}, "no entity"),
    ({"entity": ""}, "entity must be a table's name"),
    ({"entity": None}, "entity must be a table's name"),
    ({"entity": "nowhere.customers"}, "no entity `nowhere.customers`"),
    ({"fields": ["emial"]}, "customers: fields: no field `emial`; did you mean `email`?"),
    ({"fields": ["ordrs.id"]}, "customers: fields: no relation `ordrs`; did you mean `orders`?"),
    ({"fields": ["orders.totl"]}, "orders: fields: no field `totl`; did you mean `total`?"),
    ({"fields": ["orders."]}, "no relation `orders`"),
    ({"fields": ["email.x"]}, "no relation `email`"),
    ({"fields": ["transfers.id"]}, "`transfers_by_receiver` or `transfers_by_sender`|"
     "`transfers_by_sender` or `transfers_by_receiver`"),
    ({"entity": "transfers", "fields": ["customer.id"]}, "`receiver` or `sender`|`sender` or `receiver`"),
    # Shapes.
    ({"fields": "email"}, r"fields must be a list, not the text \"email\"; write \['email'\]"),
    ({"fields": []}, "fields is empty"),
    ({"fields": [1]}, "a field must be a name, not int 1"),
    ({"fields": 5}, "fields must be a list of names"),
    ({"filters": ["id"]}, "filters: must be a mapping"),
    ({"filters": {1: 2}}, "a field must be a name"),
    ({"with_deleted": "no"}, "with_deleted must be True or False"),
    # Filters.
    ({"filters": {"emial": "x"}}, "customers: filters: no field `emial`; did you mean `email`?"),
    ({"filters": {"id": {"$gtt": 1}}}, "customers: filters: id: no operator `\\$gtt`; did you mean `\\$gt`?"),
    ({"filters": {"id": {">=": 1}}}, "did you mean `\\$gte`?"),
    ({"filters": {"id": {"gt": 1}}}, "did you mean `\\$gt`?"),
    ({"filters": {"id": {}}}, "an empty mapping says nothing"),
    ({"filters": {"$xor": []}}, "no operator `\\$xor`; did you mean `\\$or`?"),
    ({"filters": {"$gt": 1}}, "`\\$gt` belongs to a field"),
    ({"filters": {"$or": {"id": 1}}}, "\\$or takes a list"),
    ({"filters": {"$not": [1]}}, "must be a mapping"),
    ({"filters": {"orders.total": 1}}, "only the entity's own fields can be filtered"),
    ({"filters": {"orders": {"total": 1}}}, "only the entity's own fields can be filtered"),
    ({"filters": {"id": {"$in": 1}}}, "a list is meant, not int 1"),
    ({"filters": {"email": {"$in": "ab"}}}, 'a list is meant, not the text "ab"'),
    ({"filters": {"id": {"$eq": [1]}}}, "use \\$in"),
    ({"filters": {"id": {"$gt": None}}}, "nothing is greater or less than None"),
    ({"filters": {"id": "1"}}, '`id` holds whole numbers, not the text "1"'),
    ({"filters": {"id": [1, "x"]}}, '`id` holds whole numbers, not the text "x"'),
    ({"filters": {"id": math.nan}}, "`id` holds whole numbers, not float nan"),
    ({"filters": {"score": math.nan}}, "not float nan"),
    ({"filters": {"email": 1}}, "`email` holds text, not int 1"),
    ({"filters": {"email": "a\0b"}}, "NUL"),
    ({"filters": {"email": "\ud800"}}, "no valid Unicode"),
    ({"filters": {"newsletter_subscribed": 2}}, "`newsletter_subscribed` holds true or false, not int 2"),
    ({"filters": {"created_at": "soon"}}, "`created_at` holds times, not the text \"soon\" \\(a datetime"),
    ({"filters": {"created_at": 1795514400}}, "a datetime, a date or an ISO 8601 text is meant"),
    ({"filters": {"opens": datetime(2026, 1, 1)}}, "`opens` holds times of day"),
    ({"filters": {"token": "x"}}, "`token` holds UUIDs"),
    ({"filters": {"picture": "x"}}, "`picture` holds bytes"),
    ({"filters": {"settings": {"colour": "red"}}}, "no operator `colour`"),
    ({"filters": {"settings": "red"}}, "JSON is compared with None only"),
    ({"filters": {"id": {"$like": "1%"}}}, "only texts are like a pattern"),
    ({"filters": {"email": {"$like": 1}}}, "a pattern is a text"),
    ({"filters": {"email": {"$like": "a\\"}}}, "ends in a single backslash"),
    ({"filters": {"id": object()}}, "not object|not a object"),
    # Pages.
    ({"pagination": {"limit": 1}}, "customers: pagination: no key `limit`; did you mean `take`?"),
    ({"pagination": {"offset": 1}}, "did you mean `skip`?"),
    ({"pagination": {"take": -1}}, "take must be a whole number from 0 on, not int -1"),
    ({"pagination": {"take": True}}, "take must be a whole number"),
    ({"pagination": {"skip": "1"}}, "skip must be a whole number"),
    ({"pagination": {"skip": 2**63}}, "skip must be a whole number"),
    ({"pagination": {"take": 1.0}}, "take must be a whole number"),
    ({"pagination": [1]}, "must be a mapping of skip, take and order"),
    ({"pagination": {"order": "id"}}, "order must be a mapping"),
    ({"pagination": {"order": {"id": "up"}}}, '`id` is ordered "ASC" or "DESC"'),
    ({"pagination": {"order": {"idd": "ASC"}}}, "customers: order: no field `idd`; did you mean `id`?"),
    ({"pagination": {"order": {"settings": "ASC"}}}, "`settings` holds JSON, which has no order"),
    ({"pagination": {"order": {1: "ASC"}}}, "order must name fields"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=range(len(WRONG)))
def test_a_wrong_question_is_refused_before_any_row_is_read(shop, data_statements, arguments, message):
    with pytest.raises(QueryError, match=message):
        shop.graph(**{"entity": "customers", **arguments})

    assert data_statements() == []


def test_an_error_is_one_of_the_package_with_a_hint(shop):
    with pytest.raises(CronjobsError) as raised:
        shop.graph("custmer")

    assert raised.value.hint == "did you mean `customers`?"
    assert raised.value.exit_code == 1


RELATIONS = [
    ([], "must be a table"),
    ({"buyer": {}}, "`buyer` must be entity.name"),
    ({"orders.buyer": "customers"}, "query.relations: orders.buyer: must be a table"),
    ({"orders.buyer": {"entity": "customers"}}, "on must say which columns belong together"),
    ({"orders.buyer": {"on": {"a": "b"}}}, "entity must name the other table"),
    ({"orders.buyer": {"entity": "customers", "on": {"a": 1}}}, "on names columns, not int 1"),
    ({"orders.buyer": {"entitty": "customers"}}, "no key `entitty`; did you mean `entity`?"),
    ({"orders.buyer": {"entity": "c", "on": {"a": "b"}, "many": "yes"}}, "many must be true or false"),
]


@pytest.mark.parametrize(("relations", "message"), RELATIONS)
def test_a_relation_of_the_wrong_shape_is_refused_at_once(relations, message):
    with pytest.raises(QueryError, match=message):
        make_query("sqlite:///shop.db", relations)


ON_SHOP = [
    ("ordrs.buyer", "customers", {"buyer_email": "email"}, "no entity `ordrs`; did you mean `orders`"),
    ("orders.buyer", "custmers", {"buyer_email": "email"}, "no entity `custmers`; did you mean `customers`?"),
    ("orders.buyer", "customers", {"buyer_mail": "email"}, "no column `buyer_mail`; did you mean"),
    ("orders.buyer", "customers", {"buyer_email": "emial"}, "customers: no column `emial`; did you mean"),
    ("orders.buyer", "customers", {"buyer_email": "age"}, "`buyer_email` holds text and `age` whole numbers"),
    ("orders.buyer", "customers", {"buyer_email": "settings"}, "`settings` JSON"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "entity", "on", "message"), ON_SHOP)
def test_a_relation_that_the_database_cannot_have_is_refused(
    shop_url, ask, data_statements, key, entity, on, message
):
    query = ask(shop_url, {key: {"entity": entity, "on": on}})

    with pytest.raises(QueryError, match=message):
        query.graph("orders", ["buyer.id"])

    assert data_statements() == []
