"""Times: however a database holds them and however a job writes them, they compare as times."""

import sqlite3
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from cronjobs.services.query.times import instant

TEN = datetime(2026, 11, 24, 10, tzinfo=UTC)
BERLIN = timezone(timedelta(hours=1))


def ids(query, filters, entity="customers"):
    return [row["id"] for row in query.graph(entity, ["id"], filters).data]


AT_TEN = [
    TEN,
    TEN.replace(tzinfo=None),
    TEN.astimezone(BERLIN),
    "2026-11-24 10:00:00",
    "2026-11-24T10:00:00Z",
    "2026-11-24T10:00:00.000000+00:00",
    "2026-11-24T11:00:00+01:00",
    "2026-11-24 10:00",
]


@pytest.mark.parametrize("value", AT_TEN, ids=str)
@pytest.mark.parametrize(("field", "equal", "greater"), [("created_at", [1], [2]), ("seen_at", [1, 2], [])])
def test_one_time_may_be_written_in_many_ways(shop, field, value, equal, greater):
    assert ids(shop, {field: value}) == equal
    assert ids(shop, {field: {"$in": [value, "1999-01-01"]}}) == equal
    assert ids(shop, {field: {"$gt": value}}) == greater
    assert ids(shop, {field: {"$lte": value}}) == equal
    assert ids(shop, {field: {"$gte": value}}) == [*equal, *greater]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"created_at": {"$gte": date(2026, 11, 24)}}, [1, 2]),
        ({"created_at": {"$lt": "2026-11-24"}}, []),
        ({"created_at": {"$lt": datetime(2026, 11, 24, 10, 0, 0, 250_000)}}, [1]),
        ({"created_at": datetime(2026, 11, 24, 10, 0, 0, 250_000)}, [2]),
        ({"created_at": datetime(2026, 11, 24, 10, 0, 0, 250_001)}, []),
        ({"created_at": {"$ne": TEN}}, [2, 3]),
        ({"born": date(1996, 2, 29)}, [1]),
        ({"born": "1996-02-29"}, [1]),
        ({"born": datetime(1996, 2, 29)}, [1]),
        ({"born": datetime(1996, 2, 29, 1)}, []),
        ({"born": {"$lt": datetime(1996, 2, 29, 1)}}, [1]),
        ({"born": {"$gt": date(1996, 2, 29)}}, [3]),
        ({"seen_at": {"$lt": datetime.max}}, [1, 2]),
        ({"seen_at": {"$gt": datetime.min}}, [1, 2]),
    ],
)
def test_dates_are_their_midnight_and_microseconds_count(shop, filters, found):
    assert ids(shop, filters) == found


WRITTEN = [
    ("2026-11-24 10:00:00", TEN),
    ("2026-11-24T10:00:00Z", TEN),
    ("2026-11-24T12:00:00+02:00", TEN),
    ("2026-11-24 12:00:00 +0200", TEN),
    ("2026-11-24 10:00:00 UTC", TEN),
    ("2026-11-24T10:00:00.123456", TEN + timedelta(microseconds=123_456)),
    ("2026-11-24 10:00:00.5", TEN + timedelta(seconds=0.5)),
    ("2026-11-24", TEN - timedelta(hours=10)),
    (1795514400, TEN),
    (1795514400.25, TEN + timedelta(seconds=0.25)),
    (1795514400000, TEN),
    ("1795514400", TEN),
    (0, datetime(1970, 1, 1, tzinfo=UTC)),
    (-1, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ("soon", None),
    ("", None),
    ("2026-02-30", None),
    (1e300, None),
    (float("inf"), None),
    (b"2026", None),
    (True, None),
    ("9" * 5000, None),
    ("0001-01-01T00:00:00+23:00", None),
]


@pytest.mark.parametrize(("value", "expected"), WRITTEN)
def test_what_sqlite_holds_is_read(value, expected):
    assert instant(value) == expected


@pytest.mark.parametrize(
    "declared", ["DATETIME", "TIMESTAMP", "TIMESTAMPTZ", "timestamp with time zone", "TEXT", ""]
)
def test_sqlite_compares_every_way_to_write_a_time(tmp_path, ask, declared):
    """In a column of no time's type, too, once it is compared with a time."""
    path = tmp_path / "times.db"
    connection = sqlite3.connect(path)
    connection.execute(f"CREATE TABLE events (id INTEGER PRIMARY KEY, happened_at {declared})")
    texts_and_numbers = [value for value, _ in WRITTEN if isinstance(value, str | int) and value is not True]
    rows = [(number, value) for number, value in enumerate(texts_and_numbers)]
    connection.executemany("INSERT INTO events VALUES (?, ?)", rows)
    connection.commit()
    # The number 0 in a column of texts is the text "0", which is no time.
    stored = connection.execute("SELECT id, happened_at FROM events").fetchall()
    connection.close()
    query = ask(f"sqlite:///{path}")
    moments = {number: instant(value) for number, value in stored}
    known = {number: moment for number, moment in moments.items() if moment}
    midnight = TEN - timedelta(hours=10)

    def found(condition):
        return ids(query, {"happened_at": condition}, "events")

    assert found(TEN) == [number for number, moment in known.items() if moment == TEN]
    assert found({"$gt": "2026-11-24T10:00:00Z"}) == [n for n, moment in known.items() if moment > TEN]
    assert found({"$lt": date(2026, 11, 24)}) == [n for n, moment in known.items() if moment < midnight]
    assert found({"$ne": TEN}) == [number for number, moment in moments.items() if moment != TEN]
    ordered = [row["id"] for row in query.graph("events", ["id"], {}, {"order": {"happened_at": "ASC"}}).data]
    assert [known[number] for number in ordered[: len(known)]] == sorted(known.values())


def test_times_come_back_as_the_column_says(tmp_path, ask):
    path = tmp_path / "times.db"
    connection = sqlite3.connect(path)
    connection.executescript("""
        CREATE TABLE events (id INTEGER PRIMARY KEY, naive DATETIME, aware TIMESTAMPTZ, day DATE, words TEXT);
        INSERT INTO events VALUES (1, '2026-11-24T12:00:00+02:00', '2026-11-24T12:00:00+02:00',
                                   '2026-11-24 10:00:00', '2026-11-24T12:00:00+02:00');
        INSERT INTO events VALUES (2, 1795514400, 1795514400, 1795514400, 1795514400);
        INSERT INTO events VALUES (3, 'soon', 'soon', 'soon', 'soon');
    """)
    connection.close()

    rows = ask(f"sqlite:///{path}").graph("events").data

    naive = TEN.replace(tzinfo=None)
    assert rows == [
        {"id": 1, "naive": naive, "aware": TEN, "day": TEN.date(), "words": "2026-11-24T12:00:00+02:00"},
        {"id": 2, "naive": naive, "aware": TEN, "day": TEN.date(), "words": "1795514400"},
        {"id": 3, "naive": "soon", "aware": "soon", "day": "soon", "words": "soon"},
    ]
    assert rows[0]["naive"].tzinfo is None
    assert rows[0]["aware"].tzinfo is UTC


def test_the_zone_of_the_session_changes_nothing(databases, ask):
    url = databases.create("""
        CREATE TABLE events (id INTEGER PRIMARY KEY, happened_at TIMESTAMP WITH TIME ZONE, local TIMESTAMP);
        INSERT INTO events VALUES (1, '2026-11-24 10:00:00+00:00', '2026-11-24 10:00:00');
    """)
    if databases.kind == "postgresql":
        databases.run(
            url, f"ALTER DATABASE \"{url.split('/')[3].split('?')[0]}\" SET timezone = 'Asia/Tokyo'"
        )
    query = ask(url)

    for value in AT_TEN:
        assert ids(query, {"happened_at": value, "local": value}, "events") == [1]
    (row,) = query.graph("events").data
    assert row["happened_at"].isoformat() == "2026-11-24T10:00:00+00:00"
    assert row["local"].isoformat() == "2026-11-24T10:00:00"
