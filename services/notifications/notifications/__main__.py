"""`python -m notifications` serves; `python -m notifications migrate` brings the store up to date and exits."""

from notifications.app import main

main()
