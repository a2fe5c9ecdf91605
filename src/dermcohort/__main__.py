"""`python -m dermcohort` is the command line."""

from .cli import main

main()
