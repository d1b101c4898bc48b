"""`python -m placement` serves; `python -m placement migrate` brings the store up to date."""

import sys
from pathlib import Path

from chassis import migrate

from placement.app import main
from placement.settings import PlacementSettings

if __name__ == "__main__":
    if sys.argv[1:] == ["migrate"]:
        migrate.upgrade_now(PlacementSettings().database_url.get_secret_value(), Path(__file__).parent / "migrations")
    else:
        main()
