"""`serve`: a TLS server of known behaviour, which tells what each client did about resumption."""
