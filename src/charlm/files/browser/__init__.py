"""Models as bytes that a browser reads, and the runtime in plain JavaScript that reads them."""
