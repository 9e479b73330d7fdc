"""Other chat servers under the load of `benchmarks.relay`, as Debian packages them."""

import benchmarks.product  # noqa: F401 - lets the modules here import bin/services.py
