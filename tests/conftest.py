"""With this file here, `tests` is on the import path: that is how tests share `factories`."""
