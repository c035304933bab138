"""Jobs to learn from: each folder is a small business with real data. None is part of cronjobs."""
