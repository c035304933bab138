"""Random texts: what the grammar allows, what all crons read alike, and what nobody should write."""

from hypothesis import strategies as st

BOUNDS = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 6)]
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]


@st.composite
def terms(draw, low, high):
    first, last = sorted((draw(st.integers(low, high)), draw(st.integers(low, high))))
    step = draw(st.integers(1, high - low))
    forms = [f"{first}", f"*/{step}"]
    if first < last:
        forms += [f"{first}-{last}", f"{first}-{last}/{step}", f"{first}/{step}"]
    return draw(st.sampled_from(forms))


@st.composite
def fields(draw, low, high, term=None):
    if draw(st.integers(0, 2)) == 0:
        return "*"
    drawn = terms(low, high) if term is None else term
    return ",".join(draw(st.lists(drawn, min_size=1, max_size=3)))


DAYS_BY_MONTH = st.sampled_from(["L", "LW", "L-3", "1W", "15W", "31W", "L-30"])
DAYS_BY_WEEK = st.sampled_from(["5L", "mon#1", "0#5", "7#L", "sunL", "3#3", "fri-sun", "mon-wed"])


@st.composite
def texts(draw, *, most_fields=7):
    """Draw any text that cron fields can be made of; what it says may never come."""
    minute, hour, day_of_month, month, day_of_week = (draw(fields(low, high)) for low, high in BOUNDS)
    if draw(st.integers(0, 3)) == 0:
        day_of_month = draw(fields(1, 31, terms(1, 31) | DAYS_BY_MONTH))
    if draw(st.integers(0, 3)) == 0:
        day_of_week = draw(fields(0, 6, terms(0, 6) | DAYS_BY_WEEK))
        if draw(st.booleans()) and day_of_week[0] != "*":
            day_of_week = f"+{day_of_week}"
    if draw(st.integers(0, 5)) == 0:
        month = ",".join(draw(st.lists(st.sampled_from(MONTHS), min_size=1, max_size=3)))
    words = [minute, hour, day_of_month, month, day_of_week]
    if most_fields > 5 and draw(st.integers(0, 3)) == 0:
        words.insert(0, draw(fields(0, 59)))
        if most_fields > 6 and draw(st.booleans()):
            words.append(draw(fields(1970, 2199)))
    return " ".join(words)


@st.composite
def common_texts(draw):
    """Draw a text that croniter and cronsim read as we do.

    Not `a/n` and no `*/n` next to another restricted day field, where croniter takes OR.
    """
    words = []
    for low, high in BOUNDS:
        first, last = draw(st.integers(low, high)), draw(st.integers(low, high))
        forms = ["*", f"{first}", f"*/{draw(st.integers(1, high - low))}"]
        if first < last:
            forms += [f"{first}-{last}", f"{first}-{last}/{draw(st.integers(1, high - low))}"]
        words.append(draw(st.sampled_from(forms)))
    if words[2].startswith("*/") or words[4].startswith("*/"):
        words[draw(st.sampled_from([2, 4]))] = "*"
    return " ".join(words)


ALPHABET = "0123456789*/-,?LW#+H()@:;=. \tabcdefjmnoprstuvwyRULE\n\x00\u0663\u00b9\ud800"
PIECES = [
    *(
        "*",
        "*/5",
        "1-5",
        "5-1",
        "L",
        "LW",
        "15W",
        "5L",
        "mon#2",
        "+mon",
        "?",
        "H",
        "H(1-5)/2",
        "sun-sat",
        "7",
    ),
    *("@every ", "5m", "1h", "@daily", "@reboot", "99999", "0-7", "2026", "1970-2199"),
    *("RRULE:FREQ=DAILY", ";INTERVAL=2", ";COUNT=5", ";BYDAY=1MO", ";BYMONTHDAY=-1", ";UNTIL=2026"),
    *("DTSTART:20260101 ", "-", "/", ",", "#", " ", "  ", "\t"),
]

hostile = (
    st.text(ALPHABET, max_size=40)
    | st.text(max_size=20)
    | st.lists(st.sampled_from(PIECES), max_size=9).map("".join)
    | st.lists(st.sampled_from(PIECES), max_size=8).map(" ".join)
)
