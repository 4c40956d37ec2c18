"""What was seen, apart from what is made of it: observations, and what stands around them.

Nothing here does IO or judges anything.
"""
