"""What the guides to jobs and services show is what happens."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cronjobs.config.load import read

ROOT = Path(__file__).parents[2]


def blocks(guide, language):
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "docs" / guide).read_text(), re.DOTALL)


def write_modules(directory, texts):
    """Write the blocks that begin with the name of a file."""
    for text in texts:
        if name := re.match(r"# (\S+\.py)\n", text):
            path = directory / name[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


def run(directory, *words):
    return subprocess.run(
        [sys.executable, "-m", "cronjobs", *words],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TZ": "UTC"},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_both_ways_to_define_a_job_that_the_guide_shows_are_the_same(tmp_path):
    in_toml, programs, discover = blocks("jobs.md", "toml")
    write_modules(tmp_path, blocks("jobs.md", "python"))
    (tmp_path / "jobs.toml").write_text(discover)
    discovered = read(str(tmp_path / "jobs.toml"), environ={"TZ": "UTC"})
    (tmp_path / "jobs.toml").write_text(in_toml)
    written = read(str(tmp_path / "jobs.toml"), environ={"TZ": "UTC"})

    jobs = dict(discovered.configuration.jobs)
    ours = jobs.pop("sync-products-daily")
    assert written.configuration.jobs == {
        "sync-products-daily": ours._replace(callable="shop.catalogue:sync_products")
    }
    assert set(jobs) == {"clean_up", "clean-up-thoroughly"}
    assert discovered.problems == ()
    (tmp_path / "jobs.toml").write_text(programs)
    assert read(str(tmp_path / "jobs.toml"), environ={"TZ": "UTC"}).problems == ()


def test_the_functions_of_the_guide_are_given_what_it_says(tmp_path):
    _, signature, logging = blocks("jobs.md", "python")
    (tmp_path / "tasks.py").write_text(signature + logging)
    (tmp_path / "jobs.toml").write_text(
        '[services]\nmailer = "tasks:import_orders"\n'
        '[jobs.report]\ncallable = "tasks:send_report"\nschedule = "@daily"\n'
        '[jobs.orders]\ncallable = "tasks:import_orders"\nschedule = "@daily"\n'
    )

    assert run(tmp_path, "validate").returncode == 0
    done = run(tmp_path, "trigger", "orders")

    assert done.returncode == 0
    assert re.fullmatch(
        r"INFO 3 files\nINFO importing\nINFO half of it\nINFO imported \(\d\.\d+ s\)\n", done.stdout
    )


def test_the_services_of_the_guide_serve_its_job(tmp_path):
    (configuration,) = blocks("services.md", "toml")
    write_modules(tmp_path, blocks("services.md", "python"))
    (tmp_path / "jobs.toml").write_text(configuration)

    checked = run(tmp_path, "validate")
    done = run(tmp_path, "trigger", "greet")

    assert checked.stdout == "jobs.toml: 1 job, no problems\n"
    assert done.stdout.splitlines() == [
        "INFO connecting as shop@example.org",
        "shop@example.org greets in en",
        "INFO mailer closed",
    ]


def test_the_guides_other_examples_of_containers_work():
    from cronjobs import Container

    *_, scopes, in_tests = blocks("services.md", "python")
    names = {}
    exec(scopes + in_tests, names)
    greeted = []

    names["test_greeting"]()
    with Container({"greeting": lambda tenant: greeted.append(tenant)}) as container:
        names["each_tenant"](container, ["acme", "zenith"])

    assert greeted == ["acme", "zenith"]


@pytest.mark.parametrize("guide", ["jobs.md", "services.md"])
def test_the_guides_name_no_attribute_that_there_is_not(guide):
    from cronjobs import Container
    from cronjobs.context import Context

    text = (ROOT / "docs" / guide).read_text()
    rows = re.findall(r"^\| (`.*?`) \|", text, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)", row)}
    context = Context("a", "a@b", None, 1, 1, None)

    assert {name for name in named if not (hasattr(context, name) or hasattr(Container, name))} <= {"context"}
