"""`python -m meshctl`: the command line."""

from meshctl.cli.main import main

if __name__ == "__main__":
    main()
