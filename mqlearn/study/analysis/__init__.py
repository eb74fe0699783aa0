"""What a run's records say, one file for each kind of system: read off a trace, for charts,
verdicts and checks.

Where arithmetic says what they should be (charges, storms, breakers, batches), it stands in the
same file.
"""
