"""What users demand of their servers, and whether a report meets it. Pure.

A policy is TOML, the same shape as the options of `probe` that begin with what is
expected: `demands` has the values, `policy` the file, `waivers` and `ranges` its parts,
`check` holds one target against demands, `judge` a whole report. `baseline` tells what
got worse since an earlier report. Files and the clock are the caller's business.

The default verdict is a demand as well: where nothing replaces it, every judged
mechanism on every tested address must be resumed, every time.
"""
