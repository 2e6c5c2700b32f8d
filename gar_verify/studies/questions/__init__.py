"""The questions that the paper leaves open, each asked of many tables.

`deals` deals the rows of a table anew for every seed, `across` trains methods on tables in some
condition and selects by validation, `aggregate` says what holds across tables and seeds. Each other
module is one question.
"""
