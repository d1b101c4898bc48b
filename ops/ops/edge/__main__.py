"""`python -m ops.edge`: the same as `naungan edge`, without all that the platform's other commands need."""

from ops.edge.cli import app

if __name__ == "__main__":
    app()
