"""Each module here holds commands of `naungan`; `ops/cli.py` says which is where. A module is imported when one of its commands is called."""
