"""What schemathesis does not know by itself."""

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    """An import's body is described as a text; a generated value of another type goes out as its text."""
    if isinstance(value, bytes):
        return value
    return str(value).encode("utf-8", "surrogateescape")
