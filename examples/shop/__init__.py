"""A tea and coffee shop and the jobs that keep it going, one module a subject.

What the shop starts with is shipped: `schema.sql`, `feed.json` (a supplier's) and `settlements.csv` (a
payment provider's). What the jobs make lies in one directory that git ignores: `database.data_directory`.
"""
