"""Jobs that functions define by `@job`: found in a process of their own, the same as those of the file."""

import os
import sys
from datetime import date
from inspect import cleandoc
from typing import get_type_hints

import pytest

import cronjobs
from cronjobs.config.fields import TABLES
from cronjobs.config.load import load, read
from cronjobs.core.errors import ConfigError

IMPORTS = "from cronjobs import job\nfrom datetime import date, datetime, timezone\n"


@pytest.fixture
def shop(tmp_path):
    """Return a function that writes modules and a `jobs.toml` and reads it."""

    def shop(toml, **modules):
        for name, text in modules.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_suffix(".py").write_text(IMPORTS + cleandoc(text) + "\n")
        (tmp_path / "jobs.toml").write_text(cleandoc(toml))
        return read(str(tmp_path / "jobs.toml"), environ={"TZ": "UTC", "WHEN": "0 7 * * *"})

    return shop


def told(loaded):
    """Return the problems as `file:line:column-end_column code message | hint`."""
    return [
        f"{os.path.basename(each.file)}:{each.line}:{each.column}-{each.end_column}"
        f" {each.code} {each.message}{f' | {each.hint}' if each.hint else ''}"
        for each in loaded.problems
    ]


DISCOVER = "[cronjobs]\ndiscover = ['tasks']\n"


def test_both_ways_to_define_a_job_give_the_same(shop):
    defaults = "[defaults]\ntimeout = '5m'\nenv = {A = '1'}\ntimezone = 'Europe/Berlin'\n"
    in_python = shop(
        DISCOVER + defaults,
        tasks="""
        @job(schedule="${WHEN}", name="report-daily", number_of_executions=3, kill_after="1s",
             args={"size": 3, "deep": [{"x": 1.5}, True]}, concurrency="allow", enabled=False,
             env={"B": "2"}, isolation="spawn", timezone=None)
        def report(size, deep): ...

        @job(schedule="@daily")
        def plain(): ...
        """,
    )
    in_toml = shop(
        defaults
        + """
        [jobs.report-daily]
        callable = "tasks:report"
        schedule = "${WHEN}"
        number_of_executions = 3
        kill_after = "1s"
        args = {size = 3, deep = [{x = 1.5}, true]}
        concurrency = "allow"
        enabled = false
        env = {B = "2"}
        isolation = "spawn"
        [jobs.plain]
        callable = "tasks:plain"
        schedule = "@daily"
        """.replace("        ", "")
    )

    assert told(in_python) == told(in_toml) == []
    assert in_python.configuration.jobs == in_toml.configuration.jobs
    assert in_python.callables == in_toml.callables


def test_what_says_when_a_job_is_due_is_the_same_in_both_ways(shop):
    more = "[cronjobs]\nhash_seed = 'a'\ndiscover = ['tasks']\n[calendars]\nholidays = [2026-12-25]\n"
    in_python = shop(
        more,
        tasks="""
        @job(schedule=["0 3 * * *", "@reboot", "H H * * *"], starts_at=datetime(2026, 12, 1, 9, 30),
             ends_at=date(2027, 1, 31), exclude=[date(2026, 12, 24), "0 4 * * *", "calendar:holidays"])
        def several(): ...

        @job(schedule=("@daily",), starts_at=datetime(2026, 12, 1, tzinfo=timezone.utc),
             exclude=date(2026, 12, 2), ends_at="2027-01-31T18:00:00+01:00")
        def aware(): ...

        @job(schedule="0 3 * * 7", dialect="croniter", starts_at=None, ends_at=None, exclude=None)
        def foreign(): ...
        """,
    )
    in_toml = shop(
        more.replace("discover = ['tasks']\n", "")
        + """
        [jobs.several]
        callable = "tasks:several"
        schedule = ["0 3 * * *", "@reboot", "H H * * *"]
        starts_at = 2026-12-01T09:30:00
        ends_at = 2027-01-31
        exclude = [2026-12-24, "0 4 * * *", "calendar:holidays"]
        [jobs.aware]
        callable = "tasks:aware"
        schedule = "@daily"
        starts_at = 2026-12-01T00:00:00Z
        ends_at = 2027-01-31T18:00:00+01:00
        exclude = [2026-12-02]
        [jobs.foreign]
        callable = "tasks:foreign"
        schedule = "0 3 * * 7"
        dialect = "croniter"
        """.replace("        ", "")
    )

    assert told(in_python) == told(in_toml) == []
    assert in_python.configuration.jobs == in_toml.configuration.jobs
    assert in_python.configuration.jobs["several"].exclude == ("2026-12-24", "0 4 * * *", "2026-12-25")


def test_what_is_wrong_with_the_defaults_is_told_once_and_where_they_stand(shop):
    loaded = shop(
        "[cronjobs]\ndiscover = ['tasks']\n[defaults]\nstarts_at = 2026-01-02\nends_at = 2026-01-01\n"
        "[jobs.first]\ncallable = 'a:b'\nschedule = '@daily'\n",
        tasks="@job(schedule='@daily')\ndef a(): ...\n@job(schedule='@daily')\ndef b(): ...",
    )

    assert [problem.partition(":")[::2] for problem in told(loaded)] == [
        (
            "jobs.toml",
            "5:11-21 E211 `ends_at` comes before `starts_at`: the job would never be due"
            " | exchange them, or leave one out",
        )
    ]


def test_every_key_of_a_job_but_what_it_runs_is_an_option():
    from cronjobs.definitions import Options

    hints = get_type_hints(Options, localns={"date": date})
    assert set(hints) == {"name"} | set(TABLES["jobs"]) - {"callable", "command"}


def test_the_function_is_returned_as_it_is():
    def tidy(): ...

    assert cronjobs.job(schedule="@daily")(tidy) is tidy
    assert not vars(tidy)


def test_jobs_of_the_file_come_first_then_those_of_each_module_in_its_order(shop):
    loaded = shop(
        "[cronjobs]\ndiscover = ['shop', 'other']\n[jobs.first]\ncallable = 'a:b'\nschedule = '@daily'",
        **{
            "shop/__init__": "from shop.below.deep import deep\n@job(schedule='@daily')\ndef own(): ...",
            "shop/later": "@job(schedule='@daily')\ndef later(): ...",
            "shop/below/__init__": "",
            "shop/below/deep": "@job(schedule='@daily')\ndef deep(): ...",
            "shop/__main__": "raise SystemExit('not to be run')",
        },
        other="@job(schedule='@daily')\ndef b(): ...\n@job(schedule='@daily')\ndef a(): ...",
    )

    assert told(loaded) == []
    assert list(loaded.configuration.jobs) == ["first", "own", "deep", "later", "b", "a"]


def test_a_function_that_another_module_hands_on_counts_once(shop):
    loaded = shop(
        "[cronjobs]\ndiscover = ['one', 'two']",
        one="@job(schedule='@daily')\ndef tidy(): ...",
        two="from one import tidy\nfrom hidden import shown\nimport aside",
        hidden="@job(schedule='@daily')\ndef shown(): ...",
        aside="@job(schedule='@daily')\ndef unwanted(): ...",
    )

    assert {name: job.callable for name, job in loaded.configuration.jobs.items()} == {
        "tidy": "one:tidy",
        "shown": "hidden:shown",
    }


def test_several_schedules_of_one_function_need_names(shop):
    loaded = shop(
        DISCOVER,
        tasks="""
        @job(schedule="@hourly")
        @job(schedule="@daily", name="tidy-daily")
        def tidy(): ...
        """,
    )

    assert {name: job.schedule for name, job in loaded.configuration.jobs.items()} == {
        "tidy": ("@hourly",),
        "tidy-daily": ("@daily",),
    }


@pytest.mark.parametrize(
    ("decorator", "problem"),
    [
        ("@job(schedule='61 * * * *')", "3:15-27 E102 minute 61 is out of range 0-59"),
        ("@job()", "3:2-5 E202 the job `tidy` has no `schedule`"),
        ("@job(schedule='@daily', timezone='Mars')", "3:34-40 E206 there is no time zone"),
        ("@job(schedule='@daily', timeout=5)", '3:33-34 E203 `timeout` must be a duration like "30s"'),
        ("@job(schedule='@daily',\n     timeout='5')", '4:14-17 E205 "5" is no duration'),
        ("@job(schedule='@daily', args={'a': '${NOPE}'})", "3:36-45 E207 the environment variable `NOPE`"),
        ("@job(schedule='@daily', name='a b')", '3:2-5 E208 "a b" cannot be a job\'s name'),
        ("@job(schedule='@daily', name=5)", "3:2-5 E222 `name` must be a text"),
        ("@job(schedule='@daily', callable='a:b')", "3:2-5 E222 `@job` takes no `callable`"),
        ("@job(schedule='@daily', args={'a': job})", "3:2-5 E222 `args` holds a value of the type function"),
        (
            "@job(schedule='@daily', args={'d': date(2026, 11, 23)})",
            "3:2-5 E222 `args` holds a value of the type date"
            " | `@job` takes what TOML can say; dates here as texts",
        ),
        ("@job(schedule=['@daily', '61 * * * *'])", "3:26-38 E102 minute 61 is out of range 0-59"),
        ("@job(schedule=[])", "3:15-17 E203 `schedule` is an empty array"),
        ("@job(schedule='61 ' + '* * * *')", "3:15-32 E102 minute 61 is out of range 0-59"),
        ("@job(schedule=['@daily', 5])", "3:26-27 E203 `schedule` must be a cron expression"),
        ("@job(schedule='@daily', starts_at='soon')", '3:35-41 E210 "soon" is no time | write it like 2026-'),
        (
            "@job(schedule='@daily', starts_at=date(2026, 1, 2), ends_at=date(2026, 1, 1))",
            "3:61-77 E211 `ends_at` comes before `starts_at`",
        ),
        ("@job(schedule='@daily', exclude=(date(2026, 1, 2), '61 * * * *'))", "3:52-64 E102 minute 61"),
        ("@job(schedule='@daily', exclude='calendar:none')", "3:33-48 E117 there is no calendar"),
        (
            "@job(schedule='@daily', dialect='quartz')",
            '3:33-41 E204 `dialect` must be "cronjobs" or "croniter"',
        ),
        (
            "@job(schedule='@daily', until='2026')",
            "3:25-30 E201 unknown key `until` | did you mean `ends_at`?",
        ),
        ("@job(schedule='@daily', args={1: 2})", "3:2-5 E222 `args` holds the key 1, which is no text"),
        (
            "@job(schedule='@daily', numberOfExecutions=3)",
            "3:25-43 E201 unknown key `numberOfExecutions` |",
        ),
        (
            "@job(schedule='@daily', max_executions=3)",
            "3:25-39 E201 unknown key `max_executions` | did",
        ),
        ("@job(schedule='@daily', tz='UTC')", "3:25-27 E201 unknown key `tz` | did you mean `timezone`?"),
        (
            "@job(schedule='@daily', concurrencyPolicy='x')",
            "3:25-42 E201 unknown key `concurrencyPolicy` |",
        ),
        ("@job(schedule='@daily', func='a:b')", "3:25-29 E201 unknown key `func` | did you mean `callable`?"),
    ],
)
def test_a_mistake_in_a_decorator_is_placed_there(shop, decorator, problem):
    loaded = shop(DISCOVER, tasks=f"{decorator}\ndef tidy(): ...")

    assert told(loaded)[0].startswith(f"tasks.py:{problem}")
    assert loaded.configuration.jobs == {}


def test_another_word_for_the_schedule_is_understood(shop):
    loaded = shop(DISCOVER, tasks="@job(cron='@daily')\ndef tidy(): ...")

    assert [problem.partition(" | ")[::2] for problem in told(loaded)] == [
        ("tasks.py:3:6-10 E201 unknown key `cron`", "did you mean `schedule`?"),
        (
            "tasks.py:3:2-5 E202 the job `tidy` has no `schedule`",
            '`schedule` is a cron expression like "0 3 * * *"',
        ),
    ]


def test_what_is_no_function_of_a_module_is_no_job(shop):
    loaded = shop(
        DISCOVER,
        tasks="""
        import functools

        def outer():
            @job(schedule="@daily")
            def inner(): ...
        outer()

        job(schedule="@daily")(functools.partial(print))
        """,
    )

    assert [problem.partition(" | ")[0] for problem in told(loaded)] == [
        "tasks.py:6:6-9 E222 `outer.<locals>.inner` cannot be found by its name",
    ]


def test_without_a_schedule_in_brackets_the_decorator_says_how_to_write_it(shop):
    (problem,) = told(shop(DISCOVER, tasks="@job\ndef tidy(): ..."))

    assert problem.startswith("jobs.toml:2:14-19 E302 importing `tasks` failed: TypeError: a job needs a")


def test_a_name_twice_is_told_with_both_places(shop, tmp_path):
    loaded = shop(
        "[cronjobs]\ndiscover = ['one', 'two']\n[jobs.tidy]\ncallable = 'a:b'\nschedule = '@daily'",
        one="@job(schedule='@daily')\ndef tidy(): ...\n@job(schedule='@daily')\ndef sweep(): ...",
        two="@job(schedule='@daily')\ndef sweep(): ...",
    )

    assert told(loaded) == [
        "one.py:3:2-5 E221 the job `tidy` is defined twice"
        f" | {tmp_path}/jobs.toml:3 defines it too; give one of them a `name` of its own",
        "two.py:3:2-5 E221 the job `sweep` is defined twice"
        f" | {tmp_path}/one.py:5 defines it too; give one of them a `name` of its own",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("1 / 0", "E302 importing `tasks` failed: ZeroDivisionError: division by zero"),
        ("import os; os._exit(3)", "E302 importing `tasks` ended the process"),
        ("print('last words', flush=True); import os; os._exit(3)", "process\nlast words"),
        ("import sys; sys.exit('no')", "E302 importing `tasks` failed: SystemExit: no"),
    ],
)
def test_a_module_that_fails_is_told_at_its_name_and_keeps_the_others(shop, text, problem):
    loaded = shop(
        "[cronjobs]\ndiscover = ['fine', 'tasks']",
        tasks=text,
        fine="@job(schedule='@daily')\ndef tidy(): ...",
    )

    (found,) = told(loaded)
    assert found.startswith("jobs.toml:2:22-27 ")
    assert problem in found


def test_a_module_that_is_not_there_is_told_with_what_was_meant(shop):
    loaded = shop("[cronjobs]\ndiscover = ['taks']", tasks="")

    assert told(loaded) == ["jobs.toml:2:14-18 E301 no module `taks` | did you mean `tasks`?"]


def test_a_module_that_hangs_is_given_up_after_its_time_and_leaves_no_process(shop, tmp_path):
    loaded = shop(
        "[cronjobs]\ndiscover = ['tasks']\nimport_timeout = '300ms'",
        tasks=f"""
        import os, time
        open({str(tmp_path / "pid")!r}, "w").write(str(os.getpid()))
        time.sleep(600)
        """,
    )

    assert told(loaded) == [
        "jobs.toml:2:14-19 E302 importing `tasks` took longer than 0.3 s (import_timeout)"
    ]
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_nothing_of_a_module_happens_in_the_process_that_asks(shop, capfd):
    loaded = shop(
        DISCOVER,
        tasks="""
        import os, sys
        print("printed")
        os.write(2, b"written")
        os.environ["TASKS"] = "imported"

        @job(schedule="@daily")
        def tidy(): ...
        """,
    )

    assert list(loaded.configuration.jobs) == ["tidy"]
    assert capfd.readouterr() == ("", "")
    assert "tasks" not in sys.modules
    assert "TASKS" not in os.environ


def test_no_jobs_anywhere_is_a_warning(shop):
    assert told(shop(DISCOVER, tasks="")) == [
        "jobs.toml:2:12-21 W401 no jobs are defined"
        " | a job is a table `[jobs.NAME]`, or a function with `@job(schedule=...)` above it"
    ]


def test_modules_are_not_looked_at_where_nobody_wants_their_jobs(shop, tmp_path):
    shop(DISCOVER, tasks="1 / 0")

    assert load(str(tmp_path / "jobs.toml"), environ={"TZ": "UTC"}, discovers=False).jobs == {}
    with pytest.raises(ConfigError):
        load(str(tmp_path / "jobs.toml"), environ={"TZ": "UTC"})
