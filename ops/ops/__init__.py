"""The `naungan` command and what it runs: servers, provisioner, demo, bench. The only package that knows all the others."""
