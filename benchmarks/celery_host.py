"""Celery application: broker and result-free tasks over redis on a unix socket, schedule from $BENCH_DIR/jobs.json."""

import importlib
import json
import os

from celery import Celery
from celery.schedules import crontab

d = os.environ["BENCH_DIR"]
app = Celery("bench", broker=f"redis+socket://{d}/redis.sock")
app.conf.update(task_ignore_result=True, timezone="UTC", broker_connection_retry_on_startup=True)


@app.task(name="run")
def run(ref):
    mod, _, attr = ref.partition(":")
    getattr(importlib.import_module(mod), attr)()


app.conf.beat_schedule = {
    f"t{i}": {
        "task": "run",
        "args": (ref,),
        "schedule": crontab(minute=m, hour=h, day_of_month=day, month_of_year=mon),
    }
    for i, (_, m, h, day, mon), ref in json.load(open(f"{d}/jobs.json"))
}
