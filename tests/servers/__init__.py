"""tlsresume against real servers, each in a configuration whose answer is known.

Not part of the plain test run: `make test-servers` installs what is needed and runs it.
"""
