"""All that speaks SQL: connecting, reading the schema, conditions, loading. Imported by the first `graph`."""
