"""`python -m tlsresume`: the same as the command."""

from tlsresume.cli import main

if __name__ == "__main__":
    main()
