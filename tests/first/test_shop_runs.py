"""The jobs of `jobs.toml` as a user runs them: by `cronjobs run` and `trigger`, killed, undone, gone on with.

What each does stands in test_shop_example.py.
"""

import json
import os
import subprocess
import sys
import threading
from email import policy
from email.parser import BytesParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BY_ITSELF = {"publish-products", "remove-expired-carts"}  # defined beside its function
SUCCEEDING = sorted(
    {
        "compact-database",
        "health-probe",
        "newsletter",
        "newsletter-winter-sale",
        "sales-report",
        "sync-products",
        "sync-products-daily",
        *BY_ITSELF,
    }
)

# Dies as a killed process does: with a mail sent of which nothing is written down yet.
DYING = """
import os, signal
from pathlib import Path
from examples.shop.mail import Outbox

NOTES = Path(__file__).with_name("notes")

class Dying(Outbox):
    async def send(self, message):
        if not await super().send(message):
            return False
        with NOTES.open("a") as notes:
            print(message["To"], file=notes)
        if self.sent >= 6 and not Path(__file__).with_name("mended").exists():
            os.kill(os.getpid(), signal.SIGKILL)
        return True

def open_mailer():
    return Dying(Path(os.environ["SHOP_DATA"]) / "outbox")
"""


@pytest.fixture
def environment(tmp_path):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CRONJOBS_", "SHOP_"))}
    return kept | {
        "PYTHONPATH": str(ROOT),
        "SHOP_DATA": str(tmp_path / "data"),
        "CRONJOBS_STATE": str(tmp_path / "state.db"),
    }


def cronjobs(environment, *words, directory=ROOT, **variables):
    return subprocess.run(
        [sys.executable, "-m", "cronjobs", *words],
        cwd=directory,
        env=environment | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def answer_of(environment, *words, directory=ROOT):
    return json.loads(cronjobs(environment, *words, "--json", directory=directory).stdout)


def outbox_files(environment):
    return sorted((Path(environment["SHOP_DATA"]) / "outbox" / "new").iterdir())


def readers_of(files):
    mails = [BytesParser(policy=policy.default).parsebytes(path.read_bytes()) for path in files]
    return sorted(str(mail["To"]) for mail in mails)


def test_the_example_has_no_problems_and_these_jobs(environment):
    checked = cronjobs(environment, "validate")

    assert checked.stdout == "jobs.toml: 10 jobs, no problems\n"
    named = sorted(job["job"] for job in answer_of(environment, "status"))
    assert named == sorted([*SUCCEEDING, "reconcile-payments"])


@pytest.mark.parametrize("name", SUCCEEDING)
def test_a_job_succeeds_as_the_first_in_an_empty_shop(environment, name):
    done = cronjobs(environment, "trigger", name)

    assert done.returncode == 0, done.stderr
    assert (Path(environment["SHOP_DATA"]) / "shop.db").exists()


def test_the_payments_fail_for_the_reason_that_the_file_has(environment):
    done = cronjobs(environment, "trigger", "reconcile-payments")

    assert done.returncode == 1
    (run,) = answer_of(environment, "history")
    assert run["error"]["type"] == "SettlementMismatch"
    assert "PAY-88151: order 1071 does not exist" in run["error"]["message"]


def first_minute(environment):
    """Run the schedule until what the head of jobs.toml promises has happened; return the log's events."""
    expected = {(name, "succeeded") for name in ("newsletter", "sales-report", "sync-products", *BY_ITSELF)}
    expected |= {("reconcile-payments", "failed")}
    process = subprocess.Popen(
        [sys.executable, "-m", "cronjobs", "run", "--log-format", "json"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    overdue = threading.Timer(90, process.kill)
    overdue.start()
    events, probes = [], 0
    with process:
        for line in process.stdout:
            events.append(json.loads(line))
            happened = (events[-1].get("job"), events[-1].get("state"))
            expected.discard(happened)
            probes += happened == ("health-probe", "succeeded")
            if not expected and probes == 3:
                process.terminate()
                break
        events += map(json.loads, process.stdout)
    overdue.cancel()
    assert (expected, probes, process.returncode) == (set(), 3, 0)
    return events


def test_the_first_minute_is_as_the_head_of_jobs_toml_says(environment):
    events = first_minute(environment)

    failed = {event["job"] for event in events if event.get("state") in ("failed", "timed_out", "lost")}
    assert failed == {"reconcile-payments"}
    assert [path.name for path in Path(environment["SHOP_DATA"]).glob("reports/*")]
    assert len(outbox_files(environment)) == 11
    (workflow,) = answer_of(environment, "workflow", "list")
    assert (workflow["state"], workflow["errors"][0]["type"]) == ("succeeded", "BadAddress")


# The newsletter


def test_a_newsletter_that_the_mail_server_refuses_is_taken_back(environment):
    refused = cronjobs(environment, "trigger", "newsletter-winter-sale", SHOP_MAIL_QUOTA="5")

    assert refused.returncode == 1
    assert "outbox: 5 mails laid in, 5 taken back" in refused.stdout
    assert outbox_files(environment) == []
    (workflow,) = answer_of(environment, "workflow", "list")
    assert workflow["state"] == "reverted"

    assert cronjobs(environment, "trigger", "newsletter-winter-sale").returncode == 0
    assert len(outbox_files(environment)) == 11


def test_a_newsletter_that_is_killed_half_way_is_gone_on_with_and_nobody_gets_two_mails(
    environment, tmp_path
):
    jobs = (ROOT / "jobs.toml").read_text().replace("examples.shop.mail:open_mailer", "dying:open_mailer")
    (tmp_path / "jobs.toml").write_text(jobs)
    (tmp_path / "dying.py").write_text(DYING)

    killed = cronjobs(environment, "trigger", "newsletter", directory=tmp_path)
    before = {path: path.stat().st_ino for path in outbox_files(environment)}
    assert killed.returncode == 1
    assert "SIGKILL" in killed.stderr
    (half,) = answer_of(environment, "workflow", "list", directory=tmp_path)
    (tmp_path / "mended").touch()
    resumed = cronjobs(environment, "trigger", "newsletter", directory=tmp_path)
    (whole,) = answer_of(environment, "workflow", "list", directory=tmp_path)

    assert resumed.returncode == 0, resumed.stderr
    assert 6 <= len(before) < 11
    assert (half["id"], half["state"]) == (whole["id"], "running")
    assert whole["state"] == "succeeded"
    after = outbox_files(environment)
    assert {path: path.stat().st_ino for path in after if path in before} == before
    readers = readers_of(after)
    assert len(set(readers)) == len(readers) == 11
    # The process may have died before it could note its last mails; nothing is there twice.
    noted = (tmp_path / "notes").read_text().splitlines()
    assert len(set(noted)) == len(noted)
    assert set(noted) <= set(readers)


# Without SQLAlchemy


@pytest.fixture
def without_sqlalchemy(environment, tmp_path):
    """The environment of a bare `pip install cronjobs`."""
    (tmp_path / "bare" / "sqlalchemy").mkdir(parents=True)
    missing = "raise ModuleNotFoundError(\"No module named 'sqlalchemy'\", name='sqlalchemy')"
    (tmp_path / "bare" / "sqlalchemy" / "__init__.py").write_text(missing)
    return environment | {"PYTHONPATH": f"{tmp_path / 'bare'}{os.pathsep}{ROOT}"}


@pytest.mark.parametrize("name", ["newsletter", "publish-products"])
def test_a_job_that_asks_query_says_what_to_install(without_sqlalchemy, name):
    done = cronjobs(without_sqlalchemy, "trigger", name)

    assert done.returncode == 1
    assert 'query needs SQLAlchemy, which is not installed: pip install "cronjobs[query]"' in done.stderr


@pytest.mark.parametrize("name", ["health-probe", "sales-report", "sync-products", "remove-expired-carts"])
def test_the_other_jobs_do_without(without_sqlalchemy, name):
    assert cronjobs(without_sqlalchemy, "trigger", name).returncode == 0
