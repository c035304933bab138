"""One job, one file: `[cronjobs] discover` finds every `@job` in here, and jobs.toml need not name them."""
