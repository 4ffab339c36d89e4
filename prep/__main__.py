"""`python -m prep`: the same as the `prep` command."""

from prep.cli import main

if __name__ == "__main__":
    main()
