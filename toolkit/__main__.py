"""`python -m hemotk`."""

from hemotk.cli.main import main

if __name__ == "__main__":
    main()
