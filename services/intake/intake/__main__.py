"""`python -m intake` serves; `python -m intake migrate` brings the store's schema up to date."""

from intake.app import main

main()
