"""The values of reports: what was made of all that was seen.

`Report` and its parts are what every format prints; they hold numbers and words only, so that
they can be written as JSON and read back. What connections showed is in `evidence`; the parts
that both share are here. Nothing here does IO or judges anything.
"""
