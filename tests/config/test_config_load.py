import os
import subprocess
import sys
from inspect import cleandoc

import pytest

from cronjobs.config.load import load, read
from cronjobs.core.errors import ConfigError
from cronjobs.core.job import Concurrency, Isolation, Job, QuerySettings, Scope, Service, Settings
from cronjobs.core.schedule import parse_schedule

A_JOB = """
callable = "shop.jobs:tidy"
schedule = "0 0 * * *"
"""


@pytest.fixture
def config(tmp_path):
    """Return a function that loads a text, with nothing in the environment but a zone."""

    def config(text, *, environ=None, **options):
        return load(
            _written(tmp_path, text), environ={"TZ": "UTC"} if environ is None else environ, **options
        )

    return config


@pytest.fixture
def problems(tmp_path):
    """Return a function that gives the problems of a text as `line:column-end_column code message | hint`."""

    def problems(text, *, environ=None):
        path = _written(tmp_path, text)
        loaded = read(path, environ={"TZ": "UTC"} if environ is None else environ)
        assert all(problem.file == path for problem in loaded.problems)
        return [
            f"{at.line}:{at.column}-{at.end_column} {at.code} {at.message}"
            + (f" | {at.hint}" if at.hint else "")
            for at in loaded.problems
        ]

    return problems


def _written(directory, text):
    path = directory / "jobs.toml"
    path.write_bytes(text if isinstance(text, bytes) else cleandoc(text).encode())
    return str(path)


# What a file says.


def test_a_job_that_says_only_what_it_must_has_every_default(config):
    assert config(f"[jobs.tidy]{A_JOB}").jobs == {
        "tidy": Job("tidy", "shop.jobs:tidy", ("0 0 * * *",), "UTC")
    }


def test_a_job_that_says_everything_has_what_it_says(config):
    jobs = config(
        """
        [jobs."Tidy.up_2-x"]
        callable = "shop.jobs:Tidy.up"
        schedule = "30 2 * * mon-fri"
        timezone = "Europe/Berlin"
        number_of_executions = 3
        args = {a = 1, b = ["x", {c = 2.5}]}
        timeout = "1h30m"
        kill_after = "250ms"
        concurrency = "allow"
        enabled = false
        env = {A = "1"}
        isolation = "spawn"
        """
    ).jobs

    (job,) = jobs.values()
    assert job._replace(args={}) == Job(
        "Tidy.up_2-x",
        "shop.jobs:Tidy.up",
        ("30 2 * * mon-fri",),
        "Europe/Berlin",
        number_of_executions=3,
        timeout_seconds=5400,
        kill_after_seconds=0.25,
        concurrency=Concurrency.ALLOW,
        enabled=False,
        env={"A": "1"},
        isolation=Isolation.SPAWN,
    )
    assert job.args == {"a": 1, "b": ["x", {"c": 2.5}]}
    assert job.concurrency is Concurrency.ALLOW


def test_defaults_hold_where_a_job_says_nothing_and_env_is_added_up(config):
    jobs = config(
        f"""
        [defaults]
        timezone = "Asia/Tokyo"
        timeout = "5m"
        kill_after = "1s"
        concurrency = "allow"
        enabled = false
        isolation = "spawn"
        cwd = "below"
        user = "nobody"
        env = {{A = "1", B = "2"}}
        [jobs.plain]{A_JOB}
        [jobs.own]{A_JOB}
        timezone = "UTC"
        timeout = "1s"
        concurrency = "forbid"
        enabled = true
        isolation = "fork"
        cwd = "above"
        user = "0"
        env = {{B = "3"}}
        """
    ).jobs

    assert jobs["plain"][3:15] == (
        "Asia/Tokyo", None, {}, 300, 1, "allow", False, {"A": "1", "B": "2"}, "spawn", (), "below", "nobody",
    )  # fmt: skip
    assert jobs["own"][3:15] == (
        "UTC", None, {}, 1, 1, "forbid", True, {"A": "1", "B": "3"}, "fork", (), "above", "0",
    )  # fmt: skip


def test_jobs_keep_the_order_of_the_file(config):
    text = "".join(f"[jobs.{name}]{A_JOB}" for name in "zebra")

    assert "".join(config(text).jobs) == "zebra"


def test_settings_have_defaults_and_say_what_the_file_says(config, tmp_path):
    assert config("").settings == Settings(str(tmp_path / "cronjobs.db"), 15.0, 100, 30.0)
    said = config(
        """
        [cronjobs]
        state = "../state.db"
        grace = "0s"
        max_parallel = 1
        import_timeout = "1m"
        """
    )
    assert said.settings == Settings(str(tmp_path / "../state.db"), 0.0, 1, 60.0)


def test_paths_are_absolute_and_start_where_they_are_written(tmp_path, monkeypatch):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "jobs.toml").write_text("[cronjobs]\nstate = 'a.db'")
    (tmp_path / "link.toml").symlink_to("etc/jobs.toml")
    monkeypatch.chdir(tmp_path)
    etc = str(tmp_path / "etc")

    plain = load("etc/jobs.toml", environ={})
    moved = load("etc/jobs.toml", environ={}, state="b.db", app_dir="src")
    linked = load("link.toml", environ={})

    assert (plain.file, plain.directory, plain.app_dir) == (f"{etc}/jobs.toml", etc, etc)
    assert plain.settings.state == f"{etc}/a.db"
    assert moved.settings.state == str(tmp_path / "b.db")
    assert moved.app_dir == str(tmp_path / "src")
    assert linked.settings.state == str(tmp_path / "a.db")


@pytest.mark.parametrize(
    ("own", "default", "environ", "zone"),
    [
        ("Asia/Tokyo", "Europe/Paris", {"TZ": "Europe/Berlin"}, "Asia/Tokyo"),
        ("", "Europe/Paris", {"TZ": "Europe/Berlin"}, "Europe/Paris"),
        ("", "", {"TZ": "Europe/Berlin"}, "Europe/Berlin"),
        ("", "", {"TZ": ":Europe/Berlin"}, "Europe/Berlin"),
        ("", "", {"TZ": "/usr/share/zoneinfo/Europe/Berlin"}, "Europe/Berlin"),
        ("", "", {"TZ": ""}, "UTC"),
        ("", "", {"TZ": "UTC"}, "UTC"),
    ],
)
def test_the_zone_is_the_jobs_then_the_defaults_then_the_environments(config, own, default, environ, zone):
    text = (
        f"[defaults]\n{default and f'timezone = {default!r}'}\n[jobs.a]{A_JOB}{own and f'timezone = {own!r}'}"
    )

    assert config(text, environ=environ).jobs["a"].timezone == zone


def test_a_zone_of_the_environment_that_is_none_is_one_problem_and_only_where_it_counts(problems):
    two = f"[jobs.a]{A_JOB}[jobs.b]{A_JOB}"

    assert problems(two, environ={"TZ": "CET-1CEST"}) == [
        '1:1-2 E206 TZ in the environment: there is no time zone "CET-1CEST"'
        " | use an IANA name such as Europe/Berlin, or UTC"
    ]
    assert problems(f"[defaults]\ntimezone = 'UTC'\n{two}", environ={"TZ": "CET-1CEST"}) == []


def test_variables_are_replaced_in_every_value_and_no_key(config):
    loaded = config(
        """
        [cronjobs]
        state = "${NAME}.db"
        max_parallel = 7
        [jobs."a"]
        callable = "${NAME}.jobs:tidy"
        schedule = "${WHEN:-0 0 * * *}"
        args = {"${NAME}" = ["${NAME}", {x = "$$5 ${EMPTY:-none} $x"}], n = 1}
        env = {HOME = "${NAME}"}
        """,
        environ={"NAME": "shop", "EMPTY": "", "TZ": "UTC"},
    )

    job = loaded.jobs["a"]
    assert os.path.basename(loaded.settings.state) == "shop.db"
    assert (job.callable, job.schedule) == ("shop.jobs:tidy", ("0 0 * * *",))
    assert job.args == {"${NAME}": ["shop", {"x": "$5 none $x"}], "n": 1}
    assert job.env == {"HOME": "shop"}


def test_windows_line_ends_and_a_byte_order_mark_do_no_harm(config):
    text = b"\xef\xbb\xbf" + f"[jobs.a]{A_JOB}".replace("\n", "\r\n").encode()

    assert list(config(text).jobs) == ["a"]


# What is wrong with it: message, place, way out.


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("callable = 'shop.jobs.tidy'", '13-27 E209 "shop.jobs.tidy" names no function | write `shop'),
        ("callable = 'a:b-c'", "15-18 E209"),
        ("callable = 'a..b:c'", "15-19 E209"),
        ("callable = 5", "12-13 E203 `callable` must be a text like"),
        ("schedule = '61 * * * *'", "13-15 E102 minute 61 is out of range 0-59"),
        ("schedule = '0 0 * * 0,9'", "23-24 E102"),
        ("schedule = '${A:-0 0} * * 99'", "13-29 E102"),
        ("schedule = '* *'", "15-16 E101"),
        ("schedule = '0 0 30 2 *'", "17-19 E113"),
        ("schedule = '@dayly'", "13-19 E108"),
        ("schedule = ''", "13-14 E204 `schedule` is empty"),
        ("schedule = []", "12-14 E203"),
        ("timezone = 'Europe/Berln'", '13-25 E206 there is no time zone "Europe/Berln" | did you mean `Eu'),
        ("timezone = 'berlin'", "13-19 E206"),
        ("timezone = 'Europe'", "13-19 E206"),
        ("timezone = '../etc/passwd'", "13-26 E206"),
        ("timezone = '/etc/localtime'", "13-27 E206"),
        (r'timezone = "a\u0000b"', "13-21 E204 `timezone` contains a NUL"),
        ("number_of_executions = 0", "24-25 E204 `number_of_executions` must be at least 1, not the num"),
        ("number_of_executions = true", "24-28 E203 `number_of_executions` must be a whole number, not true"),
        ("number_of_executions = 3.0", "24-27 E203"),
        ("number_of_executions = '3'", "25-26 E203"),
        ("number_of_executions = 9223372036854775808", "24-43 E204"),
        ("timeout = 30", "11-13 E203 `timeout` must be a duration like \"30s\", not the number 30"),
        ("timeout = true", "11-15 E203 `timeout` must be a duration like \"30s\", not true"),
        ("timeout = '30'", '12-14 E205 "30" is no duration: the number 30 has no unit'),
        ("timeout = '0s'", "12-14 E204"),
        ("kill_after = '1.5h'", "15-19 E205"),
        ("concurrency = 'Forbid'", '16-22 E204 `concurrency` must be "forbid" or "allow", not "Forbid"'),
        ("concurrency = 'replace'", "16-23 E204"),
        ("concurrency = 1", "15-16 E203"),
        ("isolation = 'process'", "14-21 E204"),
        ("enabled = 'yes'", "12-15 E203 `enabled` must be true or false, without quotes"),
        ("enabled = 1", "11-12 E203"),
        ("timezone = 'Europe, Berlin'", "13-27 E206"),
        ("concurrency = ['allow', 'forbid']", "15-34 E203"),
        ("args = []", "8-10 E203 `args` must be a table, not an array"),
        (
            "args = {d = 2026-11-23}",
            "13-23 E203 `args.d` is a date or time, which cannot be handed on"
            ' | write it as a text: "2026-11-23"',
        ),
        (
            "args = {a = 1, b = ['x', {c = 2026-11-23T09:00:00Z}]}",
            "31-51 E203 `args.b.1.c` is a date or time, which cannot be handed on"
            ' | write it as a text: "2026-11-23T09:00:00+00:00"',
        ),
        (
            f"args = {{d = 0x{'f' * 4000}}}",
            "13-4015 E204 `args.d` is a number of thousands of digits, which cannot be handed on",
        ),
        ("args = {t = 09:00:00}", "13-21 E203 `args.t` is a date or time"),
        ("env = {A = 1}", "12-13 E203 `env.A` must be a string, not the number 1 | put it in quotes"),
        ("env = {'A=B' = '1'}", "17-18 E204"),
        ("env.A = false", "9-14 E203"),
        ("env = 'A=1'", "8-11 E203"),
        ("env = {A = '${NOPE}'}", "13-20 E207 the environment variable `NOPE` is not set | set it, or giv"),
        ("args.a = [1, '${NOPE}']", "15-22 E207"),
        ("args.a = 'x ${NOPE:-1'", '13-22 E207 "${NOPE:-1" is no variable'),
        ("args.a = '${a b}'", "11-14 E207"),
        ("args.a = '${NOPE:-${B}}'", "11-24 E207"),
        ("numberOfExecutions = 3", "1-19 E201 unknown key `numberOfExecutions` | did you mean `number_of_"),
        ("'number of executions' = 3", "1-23 E201"),
        ("max_executions = 3", "1-15 E201 unknown key `max_executions` | did you mean `number_of_exec"),
        ("concurrencyPolicy = 'Forbid'", "1-18 E201 unknown key `concurrencyPolicy` | did you mean `concu"),
        ("tz = 'UTC'", "1-3 E201 unknown key `tz` | did you mean `timezone`?"),
        ("cron = '* * * * *'", "1-5 E201 unknown key `cron` | did you mean `schedule`?"),
        ("func = 'a:b'", "1-5 E201 unknown key `func` | did you mean `callable`?"),
        ("arg = {a = 1}", "1-4 E201 unknown key `arg` | did you mean `args`?"),
        ("grace = '1s'", "1-6 E201 unknown key `grace` | `grace` belongs in [cronjobs]"),
        ("colour.x = 1", "1-7 E201 unknown key `colour` | a name with a dot needs quotes: `[jobs.\"a.co"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_job_is_placed_at_its_first_character(problems, line, problem):
    key = line.split()[0].split(".")[0]
    others = [other for other in A_JOB.split("\n") if other and not other.startswith(f"{key} ")]

    found = problems("\n".join(["[jobs.a]", *others, line]), environ={})

    assert len(found) == 1
    assert found[0].startswith(f"{len(others) + 2}:{problem}")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"[job.a]{A_JOB}", "1:2-5 E201 unknown table `job` | a job is a table `[jobs.NAME]`"),
        ("[cronjob]", "1:2-9 E201 unknown table `cronjob` | did you mean `cronjobs`?"),
        ("[default]\ntimezone = 'UTC'", "1:2-9 E201 unknown table `default` | did you mean `defaults`?"),
        ("[service]", "1:2-9 E201 unknown table `service` | did you mean `services`?"),
        ("[services]\n'a b' = 'a:b'", "2:1-6 E220 \"a b\" cannot be a service's key | letters, digits"),
        ("[services]\n1st = 'a:b'", "2:1-4 E220"),
        ("[services]\nclass = 'a:b'", "2:1-6 E220"),
        ("[services]\nlogger = 'a:b'", "2:1-7 E220 no service can be called `logger` | `container`"),
        ("[services]\nquery = 'a:b'", "2:1-6 E220"),
        ("[services]\na-b = 'a:b'\na_b = 'a:b'", "3:1-4 E220 `a-b` and `a_b` are the same name"),
        ("[services]\na = 'b'", '2:6-7 E209 "b" names no function'),
        ("[services]\na = 5", '2:5-6 E203 `services.a` must be a text like "package.module:function", or a'),
        ("[services]\na = {factory = 'b'}", '2:17-18 E209 "b" names no function'),
        ("[services]\na = {}", "2:5-7 E202 the service `a` has no `factory`"),
        ("[services.a]\nfactory = 'a:b'\nscope = 'once'", '3:10-14 E204 `scope` must be "run"'),
        ("[services.a]\nfactory = 'a:b'\nlifetime = 'run'", "3:1-9 E201 unknown key `lifetime` | did"),
        ("[services]\na = '${NOPE}'", "2:6-13 E207 the environment variable `NOPE` is not set"),
        ("services = 1", "1:12-13 E203 `services` must be a table"),
        ("[query]", "1:1-8 E202 the table `[query]` has no `url`"),
        ("[query]\nurl = 5", "2:7-8 E203 `url` must be a text in quotes, not the number 5"),
        ("[query]\nurl = '${NOPE}'", "2:8-15 E207"),
        ("[query]\nurl = 'a'\nrelations = []", "3:13-15 E203 `relations` must be a table"),
        ("[query]\ndsn = 'a'", "2:1-4 E201 unknown key `dsn` | did you mean `url`?"),
        ("[cronjobs]\ndiscover = 'a'", "2:13-14 E203 `discover` must be an array of modules like"),
        ("[cronjobs]\ndiscover = ['a', 1]", "2:18-19 E203 a module's name is a string, not the number 1"),
        ("[cronjobs]\ndiscover = ['a-b']", '2:14-17 E209 "a-b" cannot be a module'),
        ("timezone = 'UTC'", "1:1-9 E201 unknown table `timezone` | `timezone` belongs in [defaults]"),
        ("tz = 'UTC'", "1:1-3 E201 unknown table `tz` | `timezone` belongs in [defaults]"),
        ("[cronjobs]\ngrace = 15", "2:9-11 E203"),
        ("[cronjobs]\nmax_parallel = 0", "2:16-17 E204"),
        ("[cronjobs]\nstate = ''", "2:10-11 E204 `state` is empty"),
        ("[cronjobs]\nimport_timeout = '0s'", "2:19-21 E204"),
        ("[cronjobs]\ntimeout = '1s'", "2:1-8 E201 unknown key `timeout` | `timeout` belongs in [defaults]"),
        ("cronjobs = 1", "1:12-13 E203 `cronjobs` must be a table, not the number 1 | write it as `[c"),
        ("[defaults]\nschedule = '* * * * *'", "2:1-9 E201 unknown key `schedule` | `schedule` belongs in"),
        ("[defaults]\ntimezone = 'Mars'", "2:13-17 E206"),
        ("[[jobs]]\nname = 'a'", "1:1-9 E203 `jobs` must be a table, not an array"),
        ("jobs.a = 1", "1:10-11 E203 `jobs.a` must be a table"),
        ("[jobs]\nschedule = 'x'", "2:13-14 E203 `jobs.schedule` must be a table, not the string \"x\" |"),
        (f"[jobs.'a b']{A_JOB}", "1:7-12 E208 \"a b\" cannot be a job's name | letters, digits"),
        (f"[jobs.'']{A_JOB}", "1:7-9 E208"),
        (f"[jobs._a]{A_JOB}", "1:7-9 E208"),
        (f"[jobs.{'a' * 65}]{A_JOB}", "1:7-72 E208"),
        ("\n[jobs.a]\ncallable = 'a:b'", "1:1-9 E202 the job `a` has no `schedule`"),
        ("jobs = {a = {schedule = '@daily'}}", "1:13-34 E202 the job `a` has no `callable`"),
        ("jobs.a.schedule = '@daily'", "1:6-7 E202 the job `a` has no `callable`"),
        ("[jobs.a]\nargs = {a = " + "[" * 70 + "]" * 70 + "}", "1:1-9 E202"),
        ("# nothing", "1:1-2 W401 no jobs are defined"),
        ("[jobs]", "1:1-7 W401 no jobs are defined"),
    ],
)  # fmt: skip
def test_a_mistake_around_the_jobs_is_placed_too(problems, text, problem):
    assert problems(text)[0].startswith(problem)


def test_a_job_that_says_nothing_lacks_both_keys(problems):
    assert [problem[:10] for problem in problems("[jobs.a]")] == ["1:1-9 E202", "1:1-9 E202"]


def test_every_mistake_is_told_at_once_in_the_order_of_the_file(problems):
    found = problems(
        """
        [jobs.b]
        callable = "shop"
        schedule = "61 * * * *"
        [cronjobs]
        grace = 1
        [jobs.a]
        callable = "a:b"
        schedule = "0 24 * * *"
        timezone = "Mars"
        colour = 1
        """
    )

    assert [problem.split()[:2] for problem in found] == [
        ["2:13-17", "E209"],
        ["3:13-15", "E102"],
        ["5:9-10", "E203"],
        ["8:15-17", "E102"],
        ["9:13-17", "E206"],
        ["10:1-7", "E201"],
    ]


def test_the_same_bad_schedule_is_told_of_each_job(problems):
    text = "".join(f"[jobs.{name}]\ncallable = 'a:b'\nschedule = '61 * * * *'\n" for name in "abc")

    assert [problem.split()[0] for problem in problems(text)] == ["3:13-15", "6:13-15", "9:13-15"]


def test_load_raises_all_problems_and_says_how_many(tmp_path):
    path = _written(tmp_path, "[jobs.a]\nschedule = 'x'")

    with pytest.raises(ConfigError, match=r"^jobs\.toml has 2 problems$") as raised:
        load(path, environ={})

    assert [problem.code for problem in raised.value.problems] == ["E202", "E101"]
    assert raised.value.exit_code == 3


def test_load_raises_a_single_problem_in_its_own_words(config):
    with pytest.raises(ConfigError, match="unknown key `tz`") as raised:
        config(f"[jobs.a]{A_JOB}tz = 'UTC'")

    assert raised.value.hint == "did you mean `timezone`?"


def test_read_gives_what_is_good_beside_the_problems(tmp_path):
    path = _written(
        tmp_path, f"[jobs.a]{A_JOB}args = {{x = 1}}\n[jobs.b]{A_JOB}colour = 1\n[jobs.c]\ncallable='c'"
    )

    loaded = read(path, environ={})

    assert list(loaded.configuration.jobs) == ["a"]
    assert loaded.callables == {"a": ("shop.jobs:tidy", {"x": 1}), "b": ("shop.jobs:tidy", {})}


def test_services_and_the_query_are_read_too(config):
    loaded = config(
        """
        [services]
        my-mailer = "shop.services:make_mailer"
        _cart = { factory = "shop.${WHERE}:Cart", scope = "transient" }
        [query]
        url = "${URL}"
        [query.relations]
        anything.goes = [1]
        """,
        environ={"URL": "sqlite://", "WHERE": "services", "TZ": "UTC"},
    )

    assert loaded.services == {
        "my-mailer": Service("shop.services:make_mailer", Scope.RUN),
        "_cart": Service("shop.services:Cart", Scope.TRANSIENT),
    }
    assert loaded.query == QuerySettings("sqlite://", {"anything": {"goes": [1]}})
    assert config("").services == {}
    assert config("").query is None


def test_a_warning_keeps_nothing_from_loading(config):
    assert config("").jobs == {}


# What it costs.


def test_loading_imports_little_and_no_places(tmp_path):
    path = _written(tmp_path, f"[jobs.a]{A_JOB}")
    program = f"""
import sys
from cronjobs.config.load import load
load({path!r}, environ={{"TZ": "UTC"}})
print(*sys.modules)
"""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True
    )

    unwanted = {
        "dataclasses", "inspect", "json", "difflib", "traceback", "asyncio", "sqlite3", "click", "croniter",
        "dateutil", "importlib.resources", "ctypes", "cronjobs.config.discover",
            "cronjobs.config.positions", "cronjobs.config.syntax",
    }  # fmt: skip
    assert unwanted.isdisjoint(done.stdout.split())


def test_equal_schedules_are_parsed_once(config, monkeypatch):
    parsed = []

    def parse(text, *rest, **options):
        parsed.append(text)
        return parse_schedule(text, *rest, **options)

    monkeypatch.setattr("cronjobs.config.load.parse_schedule", parse)

    jobs = config("".join(f"[jobs.job{number}]{A_JOB}" for number in range(1000))).jobs

    assert len(jobs) == 1000
    assert len(parsed) == 1
