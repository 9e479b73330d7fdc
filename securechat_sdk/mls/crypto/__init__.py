"""RFC 9420 section 5: cipher suites and the labelled operations on them."""
